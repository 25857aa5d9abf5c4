import { readdirSync, readFileSync } from 'node:fs';
import type { TestServers } from '@spillway/testing';
import Redis from 'ioredis';
import { Pool } from 'pg';

/** CPU that processes have used, in microseconds, by what they are. */
export type Cpu = Record<string, number>;

/** The kernel counts in ticks of 10 ms. */
const TICK_US = 10_000;

/** A process and, for `withChildren`, those that it started (PostgreSQL has one per connection). */
export interface Charged {
  what: string;
  pid: number;
  withChildren?: boolean;
}

/** What these processes have used so far, also those of their children that have ended. */
export function cpuOf(charged: readonly Charged[]): Cpu {
  const used: Cpu = {};
  const all = charged.some(({ withChildren }) => withChildren) ? everyProcess() : [];
  for (const { what, pid, withChildren } of charged) {
    const pids = [pid, ...(withChildren ? all.filter((one) => one.parent === pid).map((one) => one.pid) : [])];
    for (const one of pids) used[what] = (used[what] ?? 0) + (statOf(one)?.micros ?? 0);
  }
  return used;
}

export function difference(after: Cpu, before: Cpu): Cpu {
  return Object.fromEntries(Object.entries(after).map(([what, micros]) => [what, micros - (before[what] ?? 0)]));
}

export function sum(cpu: Cpu): number {
  return Object.values(cpu).reduce((total, one) => total + one, 0);
}

/** PostgreSQL and, where there is one, Redis. */
export async function serversOf(servers: TestServers): Promise<Charged[]> {
  const pool = new Pool({ connectionString: servers.postgres.url, max: 1 });
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = statOf(rows[0]!.pid)!.parent;
  await pool.end();
  const found: Charged[] = [{ what: 'PostgreSQL', pid: postmaster, withChildren: true }];
  if (!servers.redis) return found;
  const redis = new Redis(servers.redis.url);
  const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))![1]);
  await redis.quit();
  return [...found, { what: 'Redis', pid }];
}

interface Stat {
  pid: number;
  parent: number;
  micros: number;
}

/** `/proc/PID/stat` (proc(5)): 4 is the parent; 14 to 17 the ticks of the process and of its children that were waited for. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((total, one) => total + Number(one), 0);
    return { pid, parent: Number(fields[1]), micros: ticks * TICK_US };
  } catch {
    return undefined; // It has ended.
  }
}

function everyProcess(): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}
