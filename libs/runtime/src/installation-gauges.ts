import { QUEUE_NAMES } from '@spillway/contracts';
import { measure } from '@spillway/observability';
import { ADVISORY_LOCKS, countOpenRuns } from '@spillway/persistence';
import type { PoolClient } from 'pg';
import type { Platform } from './platform';

/** How often the installation is looked at. */
const EVERY_MS = 10_000;
/** Who did not ask for so long does not tell them any more: it is halted, and another takes over. Milliseconds. */
const MOST_SILENT_MS = 60_000;

type Parts = Pick<Platform, 'database' | 'queues' | 'outbox' | 'log' | 'config' | 'gaugeSources'>;

/** Statuses of runs that have not ended. */
const OPEN = ['running', 'waiting', 'suspended'];

interface Clearable {
  clear(): void;
}

/** Gauges that one process tells for the whole installation, and how they are read. */
export interface GaugeSource {
  gauges: Clearable[];
  /** Sets them anew. When it throws they are unknown, and not told. */
  read(): Promise<void>;
}

/**
 * Depth and age of queues and the like are the installation's, so one process tells them: who holds a lock in PostgreSQL,
 * as long as it lives. While PostgreSQL is away the last one goes on, so that the queues can still be watched.
 */
export class InstallationGauges {
  private client?: PoolClient;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private leads = false;
  private closed = false;
  private readonly sources: () => GaugeSource[];

  constructor(private readonly parts: Parts) {
    const own = [queueSource(parts), laneSource(parts), outboxSource(parts), runSource(parts), redisSource(parts)];
    this.sources = () => [...own, ...parts.gaugeSources];
  }

  start(): this {
    const everyMs = Math.min(EVERY_MS, this.parts.config.reconcile.everyMs);
    const next = () => {
      this.running = this.pass().finally(() => {
        if (!this.closed) this.timer = setTimeout(next, everyMs).unref();
      });
    };
    next();
    return this;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
    this.forget();
    // The lock goes with the connection.
    if (this.client) this.drop(this.client, true);
  }

  private async pass(): Promise<void> {
    this.leads = await this.isLeader();
    if (!this.leads) return this.forget();
    measure.leader.set(1);
    await Promise.all(
      this.sources().map(async (source) => {
        try {
          await source.read();
        } catch {
          for (const gauge of source.gauges) gauge.clear();
        }
      }),
    );
  }

  private forget(): void {
    measure.leader.clear();
    for (const { gauges } of this.sources()) for (const gauge of gauges) gauge.clear();
  }

  private async isLeader(): Promise<boolean> {
    if (this.client) {
      try {
        await this.client.query('select 1');
        return true;
      } catch {
        // The lock was lost with the connection.
        this.drop(this.client, true);
      }
    }
    try {
      return await this.becomeLeader();
    } catch {
      return this.leads;
    }
  }

  private async becomeLeader(): Promise<boolean> {
    const client = await this.parts.database.pool.connect();
    client.on('error', ignore);
    try {
      const { rows } = await client.query<{ set: string | null }>(
        `select case when pg_try_advisory_lock($1) then set_config('idle_session_timeout', $2, false) end as set`,
        [ADVISORY_LOCKS.gauges, String(MOST_SILENT_MS)],
      );
      const isMine = rows[0]!.set !== null;
      if (isMine) this.client = client;
      else this.drop(client);
      return isMine;
    } catch (error) {
      this.drop(client, true);
      throw error;
    }
  }

  private drop(client: PoolClient, isBroken = false): void {
    client.off('error', ignore);
    client.release(isBroken);
    this.client = undefined;
  }
}

/** A connection that is kept breaks while nobody uses it; the next pass finds out. */
function ignore(): void {}

function queueSource({ queues }: Parts): GaugeSource {
  const { queueDepth, oldestAge, deadLetterDepth } = measure;
  return {
    gauges: [queueDepth, oldestAge, deadLetterDepth],
    async read() {
      await Promise.all(
        queues.all().map(async ({ name, partition, dead, queue }) => {
          const where = [name, String(partition)] as const;
          if (dead) return deadLetterDepth.set(await queue.getWaitingCount(), ...where);
          const [counts, oldest] = await Promise.all([
            queue.getJobCounts('wait', 'prioritized', 'active', 'delayed'),
            queues.backend.oldestWaiting(queue),
          ]);
          queueDepth.set((counts['wait'] ?? 0) + (counts['prioritized'] ?? 0), ...where, 'waiting');
          queueDepth.set(counts['active'] ?? 0, ...where, 'active');
          queueDepth.set(counts['delayed'] ?? 0, ...where, 'delayed');
          oldestAge.set(oldest === undefined ? 0 : Math.max(0, Date.now() - oldest) / 1_000, ...where);
        }),
      );
    },
  };
}

function laneSource({ queues }: Parts): GaugeSource {
  return {
    gauges: [measure.laneSpill],
    async read() {
      const laned = QUEUE_NAMES.filter((name) => queues.lanes.has(name));
      for (const name of laned)
        for (const partition of queues.partitions.all) {
          const { spilled } = await queues.lanes.of(name, partition).list(1);
          measure.laneSpill.set(spilled, name, String(partition));
        }
    },
  };
}

function outboxSource({ outbox }: Parts): GaugeSource {
  return {
    gauges: [measure.outboxDepth, measure.outboxAge],
    async read() {
      const { depth, oldest } = await outbox.waiting();
      measure.outboxDepth.set(depth);
      measure.outboxAge.set(oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1_000 : 0);
    },
  };
}

function runSource({ database }: Parts): GaugeSource {
  return {
    gauges: [measure.runsOpen],
    async read() {
      const counts = await countOpenRuns(database.pool);
      for (const status of OPEN) measure.runsOpen.set(counts.get(status) ?? 0, status);
    },
  };
}

function redisSource({ queues }: Parts): GaugeSource {
  const { redisMemoryUsed, redisMemoryLimit, redisSafe } = measure;
  return {
    gauges: [redisMemoryUsed, redisMemoryLimit, redisSafe],
    async read() {
      for (const one of await queues.backend.redisServers()) {
        redisMemoryUsed.set(one.usedBytes, one.node);
        redisMemoryLimit.set(one.limitBytes, one.node);
        redisSafe.set(one.appendOnly ? 1 : 0, one.node, 'appendonly');
        redisSafe.set(one.noEviction ? 1 : 0, one.node, 'maxmemory-policy');
      }
    },
  };
}
