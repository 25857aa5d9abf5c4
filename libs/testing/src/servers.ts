import type { BackendName } from './backends';
import { TestPostgres } from './postgres';
import { TestRedisCluster } from './redis/cluster';
import { TestRedis } from './redis/redis';
import { TestRedisSentinel } from './redis/sentinel';

/** The key of the platform that the processes of tests are given. */
export const API_KEY = 'spw_test_platform_key_0123456789';

/** The servers one test file works with: PostgreSQL always, Redis where the queues are on it. */
export class TestServers {
  private constructor(
    readonly postgres: TestPostgres,
    readonly redis: TestRedis | undefined,
    readonly cluster?: TestRedisCluster,
    readonly sentinel?: TestRedisSentinel,
  ) {}

  /** Redis that outlives the loss of a server, and PostgreSQL. */
  static async startReplicated(topology: 'cluster' | 'sentinel'): Promise<TestServers> {
    const cluster = topology === 'cluster' ? await TestRedisCluster.start() : undefined;
    const sentinel = topology === 'sentinel' ? await TestRedisSentinel.start() : undefined;
    return new TestServers(await TestPostgres.start(), undefined, cluster, sentinel);
  }

  /** @param settings of PostgreSQL, by the names of postgresql.conf */
  static async start(backend: BackendName, settings?: Record<string, string>): Promise<TestServers> {
    const [postgres, redis] = await Promise.all([
      TestPostgres.start(settings),
      backend === 'redis' ? TestRedis.start() : Promise.resolve(undefined),
    ]);
    return new TestServers(postgres, redis);
  }

  /** Environment of a process that works on them. */
  environment(extra: Record<string, string> = {}): Record<string, string> {
    const redisUrl = (this.redis ?? this.cluster ?? this.sentinel)?.url;
    return { ...testEnvironment(this.postgres.url, redisUrl), ...extra };
  }

  async close(): Promise<void> {
    await Promise.all([this.postgres.close(), this.redis?.close(), this.cluster?.close(), this.sentinel?.close()]);
  }
}

/** Quick to give up and to come back, so that tests of outages do not wait; ports are free ones. */
export function testEnvironment(databaseUrl: string, redisUrl?: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    ...(redisUrl && { REDIS_URL: redisUrl }),
    SPILLWAY_KEY: '11'.repeat(32),
    // The whole suite passes with several, too: TEST_PARTITIONS=8 npm test.
    SPILLWAY_PARTITIONS: process.env['TEST_PARTITIONS'] ?? '1',
    ADMIN_PASSWORD: 'a test password',
    ADMIN_API_KEY: API_KEY,
    INGRESS_PORT: '0',
    ADMIN_PORT: '0',
    HEALTH_PORT: '0',
    LOG_LEVEL: 'silent',
    // Third parties of tests are on this machine.
    EGRESS_ALLOW: '127.0.0.0/8,::1',
    LOCK_DURATION: '2s',
    STALLED_INTERVAL: '500ms',
    RECONCILE_EVERY: '500ms',
    RECONCILE_AFTER: '3s',
    QUEUE_ADD_TIMEOUT: '1s',
    DRAIN_TIMEOUT: '5s',
    SPILLWAY_QUEUES: JSON.stringify({
      'ingress-events': { backoffMs: 100, maxBackoffMs: 500, concurrency: 20 },
      'orchestration-flows': { backoffMs: 100, maxBackoffMs: 500, concurrency: 20 },
      'integration-tasks': { backoffMs: 100, maxBackoffMs: 500, concurrency: 20 },
      notifications: { backoffMs: 100, maxBackoffMs: 500, concurrency: 20 },
      'analytics-events': { attempts: 50, backoffMs: 100, maxBackoffMs: 500, concurrency: 10 },
    }),
  };
}
