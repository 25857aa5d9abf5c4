require('@swc-node/register');
const { TestPostgres } = require('./libs/testing/src');
const { openBackend, prepareBackend } = require('./libs/queues/src');
(async () => {
  const pg = await TestPostgres.start();
  const b = openBackend({ databaseUrl: pg.url, prefix: 'spillway' });
  await prepareBackend(b);
  const q = b.openQueue('t');
  let at;
  const w = b.openWorker(
    't',
    async (j) => {
      console.log('ran', j.id, j.opts.delay ?? 0, Date.now() - j.timestamp);
    },
    { concurrency: 20 },
  );
  await w.waitUntilReady();
  await new Promise((r) => setTimeout(r, 1500));
  for (const d of [50, 50, 0, 50, 300]) {
    await q.add('x', {}, d ? { delay: d } : {});
    await new Promise((r) => setTimeout(r, 6000));
  }
  await w.close();
  await q.close();
  await b.close();
  await pg.close();
})();
