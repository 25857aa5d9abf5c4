import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Isolation, type IsolationRequest } from './isolation';

/** A child that answers with its process id, unless its job says something else. */
const CHILD = `
process.on('message', ({ job }) => {
  if (job.data.dies) process.kill(process.pid, 'SIGKILL');
  if (job.data.hangs) return;
  process.send({ outcome: { value: process.pid } });
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
`;

describe('jobs whose workers died', () => {
  let directory: string;
  let isolation: Isolation;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'spillway-isolation-'));
    writeFileSync(join(directory, 'child.js'), CHILD);
    writeFileSync(join(directory, 'broken.js'), 'process.exit(3)');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeEach(() => {
    isolation = new Isolation(join(directory, 'child.js'), {}, 200);
  });

  afterEach(() => isolation.close());

  function request(data: object = {}, timeoutMs = 10_000): IsolationRequest {
    return { queue: 'integration-tasks', job: { id: 'j', attempt: 1, deaths: 2, timeoutMs, data: data as never } };
  }

  it('are run in one process, one after another: a crash under load does not start a process for each', async () => {
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => isolation.run(request())));
    expect(new Set(outcomes.map(({ value }) => value)).size).toBe(1);
    expect(outcomes[0]!.value).not.toBe(process.pid);
  });

  it('are poison when they kill that process, too; the others go on in another one', async () => {
    const [before, dead, after] = await Promise.allSettled([
      isolation.run(request()),
      isolation.run(request({ dies: true })),
      isolation.run(request()),
    ]);
    expect(dead).toMatchObject({ status: 'rejected', reason: { class: 'poison', code: 'poison' } });
    expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
  });

  it('are poison when they hang for longer than their time', async () => {
    isolation = new Isolation(join(directory, 'child.js'), {}, 200, 0);
    await expect(isolation.run(request({ hangs: true }, 500))).rejects.toMatchObject({ code: 'poison' });
  });

  it('are tried again later when no process could be started', async () => {
    isolation = new Isolation(join(directory, 'broken.js'), {});
    const failure = { code: 'isolation-failed', class: 'transient' };
    await expect(isolation.run(request())).rejects.toMatchObject(failure);
  });

  it('wait for the next process when the one before had nothing to do for a while', async () => {
    const first = await isolation.run(request());
    await new Promise((resolve) => setTimeout(resolve, 500));
    const second = await isolation.run(request());
    expect(second.value).not.toBe(first.value);
  });

  it('share one process among the workers of a process, until the last of these closes', async () => {
    const platform = {};
    const make = () => isolation;
    const [routing, calls] = [Isolation.shared(platform, make), Isolation.shared(platform, make)];
    const before = await routing.isolation.run(request());
    routing.leave();
    expect(await calls.isolation.run(request())).toEqual(before);
    calls.leave();
    // It was closed: whoever comes next has one of its own.
    const next = Isolation.shared(platform, () => new Isolation(join(directory, 'child.js'), {}, 200));
    expect(next.isolation).not.toBe(isolation);
    next.leave();
  });
});
