import { eventually, TestRedisSentinel } from '@spillway/testing';
import type Redis from 'ioredis';
import { connect } from './connection';
import { parseTarget } from './target';

describe('a connection by sentinels', () => {
  let sentinel: TestRedisSentinel;

  beforeAll(async () => {
    sentinel = await TestRedisSentinel.start();
  }, 60_000);

  afterAll(() => sentinel?.close());

  const open = async () => {
    const redis = connect(parseTarget(sentinel.url), { failsFast: false }) as Redis;
    await saying(redis, 'ready');
    return redis;
  };

  const saying = (redis: Redis, event: string) => new Promise<void>((resolve) => redis.once(event, () => resolve()));

  /** What ioredis does when it is told of a failover, at the worst moment: while it asks where the primary is. */
  const interrupt = async (redis: Redis) => {
    redis.disconnect(true);
    await saying(redis, 'connecting');
    (redis as unknown as { connector: { disconnect(): void } }).connector.disconnect();
    await saying(redis, 'end');
  };

  it('comes back when a failover is told of while it is being made', async () => {
    const redis = await open();
    await interrupt(redis);
    await eventually(() => redis.status === 'ready', { what: 'the connection' });
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it('does not when it is closed meanwhile', async () => {
    const redis = await open();
    await interrupt(redis);
    redis.disconnect();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(redis.status).toBe('end');
  });
});
