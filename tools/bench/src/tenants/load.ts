import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { newId, type TaskJob, tenantShareSchema } from '@spillway/contracts';
import { Queues } from '@spillway/queues';
import type { TestServers } from '@spillway/testing';
import Redis from 'ioredis';
import { Pool } from 'pg';
import { type Charged, cpuOf, serversOf, sum } from '../flows/cpu';
import type { Progress } from './worker';

export interface Settings {
  serviceMs: number;
  concurrency: number;
  lanes: boolean;
  /** Weights by tenant. */
  weights?: Record<string, number>;
  watched?: string;
}

/** The share of a tenant by weights in JSON. */
export function shareIn(json: string | undefined) {
  const weights = JSON.parse(json ?? '{}') as Record<string, number>;
  return (tenant: string) => tenantShareSchema.parse({ weight: weights[tenant] ?? 1 });
}

/** One run: queues to add to, in this process, and a worker in one of its own. */
export class Load {
  readonly done = new Map<string, number>();
  waits: number[] = [];
  total = 0;
  private child?: ChildProcess;
  private charged?: Charged[];

  private constructor(
    private readonly servers: TestServers,
    private readonly environment: Record<string, string>,
    private readonly queues: Queues,
  ) {}

  static async open(servers: TestServers, settings: Settings): Promise<Load> {
    const environment = servers.environment({
      SPILLWAY_LANES: settings.lanes ? 'on' : 'off',
      SPILLWAY_QUEUES: JSON.stringify({ notifications: { concurrency: settings.concurrency } }),
      LOCK_DURATION: '30s',
      STALLED_INTERVAL: '15s',
      QUEUE_ADD_TIMEOUT: '120s',
      LOG_LEVEL: 'error',
      SERVICE_MS: String(settings.serviceMs),
      SHARES: JSON.stringify(settings.weights ?? {}),
      ...(settings.watched && { WATCHED: settings.watched }),
    });
    const noTenants = () => Promise.resolve(new Map<string, string>());
    const queues = await Queues.connect(loadConfig(environment).queues, servers.postgres.url, noTenants);
    await queues.backend.ready();
    queues.lanes.use(shareIn(environment['SHARES']));
    return new Load(servers, environment, queues);
  }

  async startWorker(): Promise<void> {
    const child = fork(require.resolve('./worker'), [], {
      execArgv: ['-r', '@swc-node/register'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...this.environment },
    });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      child.on('message', (progress: Progress) => {
        if (progress.ready) resolve();
        this.waits.push(...(progress.waits ?? []));
        for (const [tenant, count] of Object.entries(progress.done ?? {})) {
          this.done.set(tenant, (this.done.get(tenant) ?? 0) + count);
          this.total += count;
        }
      });
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    });
  }

  /** CPU used so far by adding, working and the servers, microseconds: it tells more than the clock on a busy machine. */
  async cpu(): Promise<number> {
    this.charged ??= [
      { what: 'adding', pid: process.pid },
      { what: 'worker', pid: this.child!.pid! },
      ...(await serversOf(this.servers)),
    ];
    return sum(cpuOf(this.charged));
  }

  add(tenant: string): Promise<string> {
    const now = Date.now();
    const meta = { tenant, priority: 'normal' as const, createdBy: 'bench', createdAt: now, correlationId: 'b' };
    const data = { task: { http: { url: 'http://x' } }, route: 'r', event: { id: 'e', tenant }, meta };
    return this.queues.add('notifications', data as unknown as TaskJob, { id: newId(now) });
  }

  /** Adds jobs as fast as they are taken, so many at a time. */
  async addMany(count: number, tenantOf: (index: number) => string, atOnce = 400): Promise<void> {
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) await this.add(tenantOf(next++));
      }),
    );
  }

  async untilDone(count: number): Promise<void> {
    while (this.total < count) await wait(5);
  }

  /** Ends the worker and empties the queues. */
  async close(): Promise<void> {
    if (this.child) {
      this.child.removeAllListeners();
      const gone = new Promise((resolve) => this.child!.once('exit', resolve));
      this.child.kill('SIGKILL');
      await gone;
    }
    await this.queues.close();
    if (this.servers.redis) {
      const redis = new Redis(this.servers.redis.url);
      await redis.flushall();
      redis.disconnect();
      return;
    }
    const pool = new Pool({ connectionString: this.servers.postgres.url, max: 1 });
    await pool.query('truncate bullmq.job, bullmq.event, bullmq.dedup, bullmq.job_dependency, bullmq.job_log cascade');
    await pool.query(
      'truncate spillway_lanes.state, spillway_lanes.lane, spillway_lanes.head, spillway_lanes.held, spillway_lanes.worker',
    );
    await pool.query('vacuum analyze bullmq.job');
    await pool.end();
  }
}
