import { migrate, openDatabase, type Database } from '@spillway/persistence';
import { FakeSlack, FakeStripe, PostgresClock, TestPostgres } from '@spillway/testing';
import { bindingSchema, resolve } from '../registry';
import { errorOf, until } from '../testing/harness';
import { AdapterCaller, gateKey, RESILIENCE, type ResilienceOptions } from './adapter-caller';
import { limitsOf } from './allowances';
import { PostgresLimits } from './postgres-limits';

let server: TestPostgres;
let clock: PostgresClock;
let one: Database;
let two: Database;
let limits: PostgresLimits;
let fake: FakeStripe;
let tenants = 0;
let tenant: string;

beforeAll(async () => {
  server = await TestPostgres.start();
  clock = await PostgresClock.install(server.url);
  [one, two] = [openDatabase(server.url), openDatabase(server.url)];
  await migrate(one);
  limits = new PostgresLimits(one.pool);
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await server.close();
});
beforeEach(async () => {
  fake = await new FakeStripe().listen();
  tenant = `tenant-${(tenants += 1)}`;
});
afterEach(() => fake.close());

const quick: ResilienceOptions = {
  timeoutMs: 2_000,
  concurrency: 20,
  breaker: { size: 10, atLeast: 3, share: 0.5, openMs: 300, mostOpenMs: 5_000 },
};
const workers = (options = quick) =>
  [new AdapterCaller(limits, options), new AdapterCaller(new PostgresLimits(two.pool), options)] as const;

let calls = 0;
/** One refund of one cent, under a key of its own. */
function refund(worker: AdapterCaller, binding: Record<string, unknown> = {}, given: Record<string, unknown> = {}) {
  const bindings = { pay: bindingSchema.parse({ adapter: 'stripe', options: { baseUrl: fake.url }, ...binding }) };
  const target = resolve('payments.refund', bindings);
  return worker.call({
    tenant,
    capability: 'payments.refund',
    target: { ...target, adapter: { ...target.adapter, limits: [] } },
    parameters: { payment: 'pi_1', amount: 1 },
    secrets: { STRIPE_API_KEY: fake.key },
    idempotencyKey: `call-${(calls += 1)}`,
    signal: new AbortController().signal,
    log: { debug: () => undefined, warn: () => undefined },
    ...given,
  });
}
const down = (times = 1) => fake.failNext({ status: 500, body: fake.errorBody(500) }, times);
const gate = async () => (await limits.list(gateKey(tenant, 'pay'))).gates[0];

/** A tenth more at most: those who wait for the same do not come back at once. */
function expectAbout(ms: number | undefined, least: number): void {
  expect(ms).toBeGreaterThanOrEqual(least);
  expect(ms).toBeLessThanOrEqual(least * 1.1);
}

it('gives the result of the call', async () => {
  const [worker] = workers();
  expect(await refund(worker)).toMatchObject({ status: 'succeeded', amount: 1 });
});

it('obeys a Retry-After in all workers', async () => {
  const [worker, other] = workers();
  fake.failNext({ status: 429, headers: { 'retry-after': '1' }, body: fake.errorBody(429) });
  expect(await errorOf(refund(worker))).toMatchObject({ class: 'rate-limited', retryAfterMs: 1_000 });
  const error = await errorOf(refund(other));
  expect(error).toMatchObject({ class: 'rate-limited', code: 'rate-limited' });
  expectAbout(error.retryAfterMs, 1_000);
  expect(fake.asked).toHaveLength(1);
  await clock.advance(1_000);
  expect(await refund(other)).toMatchObject({ status: 'succeeded' });
});

it('keeps within the allowance of the tenant without asking the provider, and shares it', async () => {
  const [worker, other] = workers();
  const limit = { perSecond: 1, burst: 2 };
  await Promise.all([refund(worker, { limit }), refund(other, { limit })]);
  const error = await errorOf(refund(worker, { limit }));
  expect(error).toMatchObject({ class: 'rate-limited', code: 'rate-limited' });
  expectAbout(error.retryAfterMs, 1_000);
  expect(fake.asked).toHaveLength(2);
});

it('opens for all workers after failures, and closes again after one call that succeeds', async () => {
  const [worker, other] = workers();
  down(3);
  for (let time = 0; time < 3; time += 1) expect((await errorOf(refund(worker))).code).toBe('http-500');
  for (const each of [worker, other]) {
    const error = await errorOf(refund(each));
    expect(error).toMatchObject({ class: 'transient', code: 'circuit-open' });
    expectAbout(error.retryAfterMs, 300);
  }
  expect(fake.asked).toHaveLength(3);
  await clock.advance(300);
  const tried = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => refund(index % 2 ? worker : other)));
  expect(tried.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
  expect(await gate()).toMatchObject({ state: 'closed', openings: 0 });
  expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
});

it('does not open again because of failures from before it was opened', async () => {
  const [worker, other] = workers();
  down(5);
  for (let time = 0; time < 2; time += 1) await errorOf(refund(other));
  for (let time = 0; time < 3; time += 1) await errorOf(refund(worker));
  expect((await errorOf(refund(other))).code).toBe('circuit-open');
  await clock.advance(300);
  await refund(worker);
  down();
  expect((await errorOf(refund(other))).code).toBe('http-500');
  expect(await gate()).toMatchObject({ state: 'closed' });
});

it('lets one call probe a system that is still down, and leaves it alone for longer', async () => {
  const [worker, other] = workers();
  down(100);
  for (let time = 0; time < 3; time += 1) await errorOf(refund(worker));
  await clock.advance(300);
  const tried = await Promise.all(Array.from({ length: 6 }, (_, index) => errorOf(refund(index % 2 ? worker : other))));
  expect(tried.filter(({ code }) => code === 'http-500')).toHaveLength(1);
  expect(tried.filter(({ code }) => code === 'circuit-open')).toHaveLength(5);
  expect(fake.asked).toHaveLength(4);
  expect(await gate()).toMatchObject({ state: 'open', openings: 2 });
  expect((await gate())!.openMs).toBe(600);
});

describe('the one call that finds out', () => {
  async function openOne(worker: AdapterCaller): Promise<void> {
    down(3);
    for (let time = 0; time < 3; time += 1) await errorOf(refund(worker));
    await clock.advance(300);
  }

  it('is the next one when it may not be made now', async () => {
    const [worker] = workers();
    await openOne(worker);
    const limit = { perSecond: 0.001, burst: 1 };
    await limits.take(`${gateKey(tenant, 'pay')}#own`, limit);
    expect((await errorOf(refund(worker, { limit }))).code).toBe('rate-limited');
    expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
  });

  it('is the next one when it never got there', async () => {
    const [worker] = workers();
    await openOne(worker);
    expect((await errorOf(refund(worker, {}, { secrets: {} }))).code).toBe('secret-missing');
    expect(await gate()).toMatchObject({ state: 'half-open', openMs: 0 });
    expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
  });

  it('has found out when it was refused for good, or told to wait', async () => {
    const [worker] = workers();
    await openOne(worker);
    await errorOf(refund(worker, {}, { parameters: { payment: 'pi_9' } }));
    expect(await gate()).toMatchObject({ state: 'closed' });
    await openOne(worker);
    fake.failNext({ status: 429, headers: { 'retry-after': '60' }, body: fake.errorBody(429) });
    await errorOf(refund(worker));
    expect(await gate()).toMatchObject({ state: 'closed', openings: 0 });
    expect((await gate())!.blockedMs).toBe(60_000);
  });

  it('takes nothing from the allowance while the circuit is open', async () => {
    const [worker] = workers({ ...quick, breaker: { ...quick.breaker, openMs: 60_000 } });
    const limit = { perSecond: 1, burst: 10 };
    down(3);
    for (let time = 0; time < 3; time += 1) await errorOf(refund(worker, { limit }));
    for (let time = 0; time < 20; time += 1) {
      expect((await errorOf(refund(worker, { limit }))).code).toBe('circuit-open');
    }
    expect((await limits.list(tenant)).limits).toMatchObject([{ granted: 3, refused: 0 }]);
  });
});

it('does not open because of what the tenant did wrong, or because of a 429', async () => {
  const [worker] = workers();
  for (let time = 0; time < 6; time += 1) await errorOf(refund(worker, {}, { parameters: { payment: 'pi_9' } }));
  expect(fake.asked).toHaveLength(6);
  for (let time = 0; time < 4; time += 1) {
    fake.failNext({ status: 429, headers: { 'retry-after': '0' }, body: fake.errorBody(429) });
    await errorOf(refund(worker));
  }
  expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
});

it('keeps one tenant’s trouble from another', async () => {
  const [worker] = workers();
  down(3);
  for (let time = 0; time < 3; time += 1) await errorOf(refund(worker));
  expect((await errorOf(refund(worker))).code).toBe('circuit-open');
  expect(await refund(worker, {}, { tenant: `${tenant}-neighbour` })).toMatchObject({ status: 'succeeded' });
});

it('gives a slow call up in time and hangs up', async () => {
  const [worker] = workers();
  fake.hangNext();
  // The server would never answer.
  expect(await errorOf(refund(worker, { timeoutMs: 200 }))).toMatchObject({ class: 'transient', code: 'call-timeout' });
  await until(() => fake.aborted === 1);
});

it('hangs up when the job is cancelled, and does not count it against the system', async () => {
  const [worker] = workers();
  for (let time = 0; time < 4; time += 1) {
    const stop = new AbortController();
    fake.hangNext();
    const call = errorOf(refund(worker, {}, { signal: stop.signal }));
    await until(() => fake.asked.length === time + 1);
    stop.abort();
    expect(await call).toMatchObject({ class: 'transient', code: 'call-aborted' });
  }
  await until(() => fake.aborted === 4);
  expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
});

it('has so many calls under way at once and no more, and says when to come back', async () => {
  const [worker, other] = workers();
  fake.hangNext();
  fake.hangNext();
  const binding = { concurrency: 2, timeoutMs: 500 };
  const stuck = [errorOf(refund(worker, binding)), errorOf(refund(worker, binding))];
  await until(() => fake.asked.length === 2);
  const error = await errorOf(refund(worker, binding));
  expect(error).toMatchObject({ class: 'rate-limited', code: 'too-many-at-once' });
  expect(error.retryAfterMs).toBeGreaterThan(0);
  // Another process has places of its own.
  expect(await refund(other, binding)).toMatchObject({ status: 'succeeded' });
  await Promise.all(stuck);
  expect(await refund(worker, binding)).toMatchObject({ status: 'succeeded' });
});

it('takes nothing from the allowance for a call that is wrong', async () => {
  const [worker] = workers();
  expect(await errorOf(refund(worker, {}, { parameters: {} }))).toMatchObject({ code: 'arguments-invalid' });
  expect(await limits.list(tenant)).toEqual({ limits: [], gates: [] });
});

it('keeps a result though the shared state is lost right after the call', async () => {
  const lost = openDatabase(server.url);
  const store = new PostgresLimits(lost.pool);
  const worker = new AdapterCaller(store, quick);
  down(3);
  for (let time = 0; time < 3; time += 1) await errorOf(refund(worker));
  await clock.advance(300);
  store.close = () => Promise.reject(new Error('PostgreSQL is away'));
  expect(await refund(worker)).toMatchObject({ status: 'succeeded' });
  await lost.close();
});

describe('the allowances of a call', () => {
  const account = { name: 'account', perSecond: 100, burst: 100 };
  const channel = {
    name: 'channel',
    perSecond: 1,
    burst: 3,
    capabilities: ['chat.post'],
    per: (it: Record<string, unknown>) => String(it['channel']),
  };
  const adapter = {
    ...resolve('chat.post', { chat: bindingSchema.parse({ adapter: 'slack' }) }).adapter,
    limits: [account, channel],
  };

  it('are the narrowest first', () => {
    expect(limitsOf('t/chat', adapter, {}, 'chat.post', { channel: 'C1' }).map(({ key }) => key)).toEqual([
      't/chat#channel:C1',
      't/chat#account',
    ]);
    expect(limitsOf('t/chat', adapter, {}, 'slack.other', {}).map(({ key }) => key)).toEqual(['t/chat#account']);
  });

  it('have the tenant’s own in place of the account’s', () => {
    const limit = { perSecond: 5, burst: 5 };
    expect(limitsOf('t/chat', adapter, { limit }, 'chat.post', { channel: 'C1' })).toEqual([
      { key: 't/chat#channel:C1', rate: { perSecond: 1, burst: 3 } },
      { key: 't/chat#own', rate: limit },
    ]);
  });

  it('keep keys short', () => {
    const [narrow] = limitsOf('t/chat', adapter, {}, 'chat.post', { channel: 'x'.repeat(10_000) });
    expect(narrow!.key.length).toBeLessThan(100);
  });

  it('are one for each channel of Slack', async () => {
    const slack = await new FakeSlack().listen();
    slack.channels.set('C2', []);
    const [worker] = workers();
    const bindings = { chat: bindingSchema.parse({ adapter: 'slack', options: { baseUrl: slack.url } }) };
    const post = (channel: string) =>
      refund(
        worker,
        {},
        {
          capability: 'chat.post',
          target: resolve('chat.post', bindings),
          parameters: { channel, text: 'hello' },
          secrets: { SLACK_BOT_TOKEN: slack.token },
        },
      );
    for (let time = 0; time < 3; time += 1) await post('C0000000001');
    expect((await errorOf(post('C0000000001'))).code).toBe('rate-limited');
    expect(await post('C2')).toMatchObject({ channel: 'C2' });
    await slack.close();
  });
});

it('has defaults below the timeout of a job', () => {
  expect(RESILIENCE.timeoutMs).toBeLessThan(30_000);
});
