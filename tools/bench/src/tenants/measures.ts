import { setTimeout as wait } from 'node:timers/promises';
import type { BackendName, TestServers } from '@spillway/testing';
import { Load } from './load';

export interface Row {
  what: string;
  measured: string;
  aim: string;
  met: boolean;
}

export interface Sizes {
  backlog: number;
  /** Of the jobs of the other tenant. */
  samples: number;
  /** Jobs of one throughput round. */
  jobs: number;
  rounds: number;
}

/** Where a backend is at ease: the service is what takes time, not the queue. */
const PACE: Record<BackendName, { serviceMs: number; concurrency: number }> = {
  redis: { serviceMs: 20, concurrency: 20 },
  postgres: { serviceMs: 100, concurrency: 20 },
};

/** A holds a backlog; B sends one job each 100 ms. */
export async function waiting(backend: BackendName, servers: TestServers, sizes: Sizes): Promise<Row> {
  const p99 = async (backlog: number) => {
    const load = await Load.open(servers, { ...PACE[backend], lanes: true, watched: 'b' });
    try {
      await load.addMany(backlog, () => 'a');
      await load.startWorker();
      await wait(1_000);
      for (let i = 0; i < sizes.samples; i += 1) {
        await load.add('b');
        await wait(100);
      }
      while (load.waits.length < sizes.samples) await wait(20);
      return quantile(load.waits, 0.99);
    } finally {
      await load.close();
    }
  };
  const unloaded = await p99(0);
  const loaded = await p99(sizes.backlog);
  const most = 3 * unloaded + PACE[backend].serviceMs;
  return {
    what: `B's p99 wait beside ${sizes.backlog} jobs of A (${PACE[backend].serviceMs} ms each)`,
    measured: `${loaded} ms, unloaded ${unloaded} ms`,
    aim: `< ${most} ms`,
    met: loaded < most,
  };
}

export async function weights(backend: BackendName, servers: TestServers, sizes: Sizes): Promise<Row> {
  const given: Record<string, number> = { one: 1, two: 2, four: 4 };
  const tenants = Object.keys(given);
  const load = await Load.open(servers, { ...PACE[backend], serviceMs: 10, lanes: true, weights: given });
  try {
    await load.addMany(sizes.jobs, (index) => tenants[index % 3]!);
    await load.startWorker();
    // Until the greatest share has done two thirds of what it has.
    await load.untilDone(Math.floor((sizes.jobs / 3) * 1.75 * 0.66));
    const done = tenants.map((tenant) => load.done.get(tenant) ?? 0);
    const total = done.reduce((sum, one) => sum + one, 0);
    const off = tenants.map((tenant, at) => Math.abs(done[at]! / total / (given[tenant]! / 7) - 1));
    return {
      what: `shares of tenants with weights 1:2:4, of ${total} jobs`,
      measured: `${done.join(':')}, at most ${(Math.max(...off) * 100).toFixed(1)} % off`,
      aim: '< 5 %',
      met: Math.max(...off) < 0.05,
    };
  } finally {
    await load.close();
  }
}

/** Jobs per second, with lanes and without, of a thousand tenants with more work than workers. */
export async function manyTenants(servers: TestServers, sizes: Sizes): Promise<Row> {
  const once = async (lanes: boolean): Promise<Speed> => {
    const load = await Load.open(servers, { serviceMs: 0, concurrency: 50, lanes });
    try {
      const warm = Math.ceil(sizes.jobs / 10);
      await load.startWorker();
      await load.addMany(warm, (index) => `t${index % 1_000}`);
      await load.untilDone(warm);
      const began = await begin(load);
      await load.addMany(sizes.jobs, (index) => `t${index % 1_000}`);
      await load.untilDone(warm + sizes.jobs);
      return began.end(sizes.jobs);
    } finally {
      await load.close();
    }
  };
  return compare('1,000 tenants, all active', once, sizes.rounds, 0.85);
}

/** A load that the workers keep up with: at most 60 jobs are under way at any time. */
export async function shortQueue(servers: TestServers, sizes: Sizes): Promise<Row> {
  const once = async (lanes: boolean): Promise<Speed> => {
    const load = await Load.open(servers, { serviceMs: 0, concurrency: 50, lanes });
    try {
      await load.startWorker();
      let added = 0;
      const run = async (count: number) => {
        const end = added + count;
        while (added < end) {
          if (added - load.total < 60) {
            const batch = Math.min(30, end - added);
            added += batch;
            await Promise.all(Array.from({ length: batch }, () => load.add('a')));
          } else await wait(1);
        }
        await load.untilDone(end);
      };
      await run(Math.ceil(sizes.jobs / 10));
      const began = await begin(load);
      await run(sizes.jobs);
      return began.end(sizes.jobs);
    } finally {
      await load.close();
    }
  };
  return compare('a short queue', once, sizes.rounds, 0.97);
}

/** Jobs per second of the clock, and per second of CPU. */
interface Speed {
  perSecond: number;
  perCpuSecond: number;
}

async function begin(load: Load) {
  const began = performance.now();
  const used = await load.cpu();
  return {
    end: async (jobs: number): Promise<Speed> => ({
      perSecond: (jobs / (performance.now() - began)) * 1_000,
      perCpuSecond: (jobs / ((await load.cpu()) - used)) * 1_000_000,
    }),
  };
}

async function compare(
  what: string,
  once: (lanes: boolean) => Promise<Speed>,
  rounds: number,
  aim: number,
): Promise<Row> {
  const withLanes: Speed[] = [];
  const without: Speed[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const lanes of round % 2 ? [true, false] : [false, true])
      (lanes ? withLanes : without).push(await once(lanes));
  }
  const ratio = (of: keyof Speed) => median(withLanes, of) / median(without, of);
  const list = (all: Speed[]) => all.map((one) => Math.round(one.perSecond)).join(', ');
  const [clock, cpu] = [ratio('perSecond'), ratio('perCpuSecond')];
  return {
    what: `jobs/s, ${what}`,
    measured: `${clock.toFixed(2)} by the clock, ${cpu.toFixed(2)} by CPU (with lanes ${list(withLanes)}; without ${list(without)})`,
    aim: `≥ ${aim}`,
    met: clock >= aim,
  };
}

function median(speeds: Speed[], of: keyof Speed): number {
  return quantile(
    speeds.map((speed) => speed[of]),
    0.5,
  );
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}
