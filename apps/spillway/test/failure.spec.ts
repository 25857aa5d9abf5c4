import type { EventRecord } from '@spillway/persistence';
import type { Redriven } from '@spillway/operations';
import type { DeadLetterSummary } from '@spillway/queues';
import { BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { Stack, TENANT } from './stack';

describe.each(BACKENDS)('work that fails, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend);
    const http = (path: string) => ({ http: { url: `${other.url}/${path}` }, attempts: 3 });
    const call = (path: string) => ({
      [path]: {
        call: 'http',
        with: { method: 'post', endpoint: `${other.url}/${path}`, body: '${ $workflow.input }' },
      },
    });
    await stack.configure(
      { kind: 'Route', name: 'push', spec: { match: { types: ['github.push'] }, to: http('push') } },
      {
        kind: 'Route',
        name: 'slow',
        spec: { match: { types: ['github.ping'] }, to: { ...http('slow'), timeout: '1s', attempts: 2 } },
      },
      { kind: 'Route', name: 'flow', spec: { match: { types: ['github.issues.*'] }, to: { flow: 'two' } } },
      {
        kind: 'Route',
        name: 'template',
        spec: { match: { types: ['slack.*'] }, to: { http: { url: '${ .data.nope | error("no url") }' } } },
      },
      { kind: 'Flow', name: 'two', spec: { do: [call('one'), call('two')] } },
    );
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  beforeEach(() => other.reset());

  const inState = (id: string, state: string) =>
    eventually(
      async () => {
        const record = await stack.client.get<EventRecord>(`/events/${id}`);
        return record.state === state ? record : undefined;
      },
      { what: `${id} ${state}` },
    );
  const letters = async (query: Record<string, string> = {}) =>
    (await stack.client.get<{ deadLetters: DeadLetterSummary[] }>('/dead-letters', query)).deadLetters;

  it('for a while is tried again, with the same Idempotency-Key', async () => {
    other.answer = () => (other.calls.length < 3 ? { status: 503 } : undefined);
    const record = await inState(await stack.send('github', 'push'), 'done');
    expect(other.calls).toHaveLength(3);
    expect(new Set(other.calls.map((call) => call.headers['idempotency-key'])).size).toBe(1);
    expect(record.timeline.map((entry) => entry.what)).toEqual(
      expect.arrayContaining(['attempt failed', 'attempt succeeded']),
    );
  });

  it('for good goes to the dead letters, and back when it is redriven', async () => {
    other.answer = () => ({ status: 500, body: 'broken' });
    const id = await stack.send('github', 'push');
    const record = await inState(id, 'dead-letter');
    expect(other.calls).toHaveLength(3);
    expect(record.jobs[0]).toMatchObject({ state: 'dead-letter', attempts: 3 });
    const letter = (await letters()).find((one) => one.eventId === id)!;
    expect(letter).toMatchObject({
      queue: 'integration-tasks',
      attempts: 3,
      error: { class: 'transient', code: 'http-500' },
    });
    other.answer = () => undefined;
    const redriven = await stack.client.post<Redriven>('/dead-letters/redrive', {
      queue: letter.queue,
      ids: [letter.id],
    });
    expect(redriven).toMatchObject({ matched: 1, redriven: 1 });
    await inState(id, 'done');
    expect(await letters({ tenant: TENANT })).toEqual([]);
  });

  it('that nobody can mend by waiting is not tried again', async () => {
    other.answer = () => ({ status: 422, body: '{"error":"no"}' });
    const id = await stack.send('github', 'push');
    const record = await inState(id, 'dead-letter');
    expect(other.calls).toHaveLength(1);
    expect(record.jobs[0]!.error).toMatchObject({ class: 'permanent' });
    const template = await inState(await stack.send('slack'), 'dead-letter');
    expect(template.jobs[0]!.error).toMatchObject({ code: 'template-failed' });
  });

  it('for now waits as long as the other side asks, without using up attempts', async () => {
    const times: number[] = [];
    other.answer = () => {
      times.push(Date.now());
      return times.length < 5 ? { status: 429, headers: { 'retry-after': '1' } } : undefined;
    };
    await inState(await stack.send('github', 'push'), 'done');
    expect(times).toHaveLength(5);
    expect(Math.min(...times.slice(1).map((time, index) => time - times[index]!))).toBeGreaterThanOrEqual(950);
  });

  it('is cut off when an attempt takes too long: the call itself is aborted', async () => {
    let aborted = 0;
    other.answer = () => undefined;
    const slow = await ThirdParty.start();
    const release = slow.hold();
    await stack.configure({
      kind: 'Route',
      name: 'slow',
      spec: { match: { types: ['github.ping'] }, to: { http: { url: slow.url }, timeout: '1s', attempts: 2 } },
    });
    slow.onAbort = () => (aborted += 1);
    const record = await inState(await stack.send('github', 'ping'), 'dead-letter');
    expect(record.jobs[0]!.error).toMatchObject({ code: 'attempt-timed-out' });
    await eventually(() => aborted === 2);
    release();
    await slow.close();
  });

  it('in a flow ends the run; retried, the run goes on from there', async () => {
    other.answer = (call) => (call.path === '/two' ? { status: 400 } : undefined);
    const id = await stack.send('github', 'issues.opened');
    const failed = await inState(id, 'failed');
    expect(failed.runs[0]!.state).toBe('faulted');
    other.answer = () => undefined;
    await stack.client.post(`/runs/${failed.runs[0]!.id}/retry`, {});
    const record = await inState(id, 'done');
    expect(record.runs[0]!.state).toBe('completed');
    expect(other.calls.map((one) => one.path)).toEqual(['/one', '/two', '/two']);
  });

  it('in numbers is redriven by filter, at a rate, after a look at what it would be', async () => {
    other.answer = () => ({ status: 400 });
    const since = new Date().toISOString();
    const ids = await Promise.all(Array.from({ length: 6 }, () => stack.send('github', 'push')));
    for (const id of ids) await inState(id, 'dead-letter');
    const filter = { route: 'push', since, errorCode: 'http-400' };
    const dry = await stack.client.post<Redriven>('/dead-letters/redrive', { ...filter, dryRun: true });
    expect(dry).toMatchObject({ redriven: 0 });
    expect(dry.matched).toBe(6);
    other.calls.length = 0;
    const times: number[] = [];
    other.answer = () => void times.push(Date.now());
    const began = Date.now();
    const result = await stack.client.post<Redriven>('/dead-letters/redrive', {
      ...filter,
      ratePerSecond: 10,
      limit: 6,
    });
    expect(result).toMatchObject({ redriven: 6, lastsMs: 500 });
    await eventually(() => times.length === 6);
    // However late they are, none is early.
    expect(times.filter((time, index) => time < began + index * 100)).toEqual([]);
  });

  it('that was forgotten between "failed" and "dead letter" is found by the reconciler', async () => {
    const queue = stack.platform.queues.queueOf('integration-tasks', TENANT);
    await queue.pause();
    const id = await stack.send('github', 'push');
    const job = await eventually(async () =>
      (await queue.getJobs(['wait', 'prioritized'])).find((one) => one.id?.startsWith(id)),
    );
    await job.remove();
    await queue.resume();
    await inState(id, 'done');
  }, 30_000);

  it('is cancelled, before it runs and while it does', async () => {
    const queue = stack.platform.queues.queueOf('integration-tasks', TENANT);
    await stack.client.post('/queues/integration-tasks/pause', {});
    const waiting = await stack.send('github', 'push');
    const job = await eventually(async () =>
      (
        await stack.client.get<{ jobs: { id: string; eventId: string }[] }>('/jobs', {
          queue: 'integration-tasks',
          tenant: TENANT,
        })
      ).jobs.find((one) => one.eventId === waiting),
    );
    await stack.client.post(`/jobs/integration-tasks/${job.id}/cancel`, {});
    await inState(waiting, 'cancelled');
    const slow = await ThirdParty.start({ delayMs: 10_000 });
    await stack.configure({
      kind: 'Route',
      name: 'push',
      spec: { match: { types: ['github.push'] }, to: { http: { url: slow.url } } },
    });
    const running = await stack.send('github', 'push');
    await eventually(async () => (await queue.count()) === 1);
    await stack.client.post('/queues/integration-tasks/resume', {});
    const active = await eventually(async () =>
      (await queue.getJobs(['active'])).find((one) => one.id?.startsWith(running)),
    );
    await stack.client.post(`/jobs/integration-tasks/${active.id}/cancel`, {});
    await inState(running, 'cancelled');
    await slow.close();
    await stack.configure({
      kind: 'Route',
      name: 'push',
      spec: { match: { types: ['github.push'] }, to: { http: { url: `${other.url}/push` } } },
    });
  }, 30_000);

  it('or not, can be replayed: the event goes through the routes again', async () => {
    const id = await stack.send('github', 'push');
    await inState(id, 'done');
    await stack.client.post(`/events/${id}/replay`, {});
    await eventually(() => other.calls.length === 2);
    expect(new Set(other.calls.map((call) => call.headers['idempotency-key'])).size).toBe(2);
    await eventually(async () => (await inState(id, 'done')).jobs.length === 2);
  });
});
