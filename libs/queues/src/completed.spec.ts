import { BACKENDS, eventually } from '@spillway/testing';
import { KEEP_COMPLETED } from './catalogue';
import { Servers } from './lanes/test/world';

describe.each(BACKENDS)('completed jobs on %s', (name) => {
  it('stay visible, but for the oldest of very many', async () => {
    const servers = await Servers.start(name);
    try {
      const { backend } = servers;
      const queue = backend.openQueue('seen', 'spillway');
      const many = KEEP_COMPLETED + 700;
      const opts = { removeOnComplete: backend.removeOnComplete };
      const jobs = Array.from({ length: many }, (_, n) => ({ name: 'job', data: {}, json: '{}', n }));
      await backend.add(
        queue,
        jobs.map(({ n, ...job }) => ({ ...job, opts: { ...opts, jobId: `job-${n}` } })),
      );
      let done = 0;
      const worker = backend.openWorker('seen', 'spillway', () => Promise.resolve(), { concurrency: 50 });
      worker.on('completed', () => (done += 1));
      await eventually(() => done === many, { withinMs: 60_000, what: 'the end of all jobs' });
      await eventually(async () => (await queue.getCompletedCount()) < many, {
        withinMs: 10_000,
        what: 'the oldest being gone',
      });
      expect(await queue.getCompletedCount()).toBeGreaterThanOrEqual(KEEP_COMPLETED);
      const [newest] = await queue.getCompleted(0, 0);
      expect(Number(newest!.id!.slice('job-'.length))).toBeGreaterThan(many - 100);
      await worker.close();
      await queue.close();
    } finally {
      await servers.close();
    }
  });
});
