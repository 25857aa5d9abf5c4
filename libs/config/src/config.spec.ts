import { loadConfig } from './config';

describe('the configuration', () => {
  it('needs nothing to start', () => {
    const config = loadConfig({});
    expect(config.ingress.port).toBe(3000);
    expect(config.admin.port).toBe(3100);
    expect(config.roles).toContain('worker-analytics');
    expect(config.queues.redisUrl).toBeUndefined();
  });

  it('names each variable that is wrong', () => {
    expect(() => loadConfig({ INGRESS_PORT: 'x', DRAIN_TIMEOUT: 'soon', SPILLWAY_KEY: 'short' })).toThrow(
      /INGRESS_PORT .*SPILLWAY_KEY .*DRAIN_TIMEOUT /,
    );
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ REDIS_URL: '', INGRESS_PORT: '' }).ingress.port).toBe(3000);
  });

  it('turns durations into milliseconds and keys into bytes', () => {
    const config = loadConfig({ DEAD_LETTER_RETENTION: '7d', SPILLWAY_KEY: 'ab'.repeat(32) });
    expect(config.retention.deadLettersMs).toBe(7 * 86_400_000);
    expect(config.key).toHaveLength(32);
  });

  it('has no demo in production or on a database of your own', () => {
    expect(loadConfig({}).demo).toBe(true);
    expect(loadConfig({ NODE_ENV: 'production' }).demo).toBe(false);
    expect(loadConfig({ DATABASE_URL: 'postgres://x' }).demo).toBe(false);
  });

  it('says what SPILLWAY_QUEUES must look like', () => {
    expect(() => loadConfig({ SPILLWAY_QUEUES: '{nope' })).toThrow(/SPILLWAY_QUEUES/);
    expect(loadConfig({ SPILLWAY_QUEUES: '{"notifications":{"attempts":3}}' }).queues.overrides).toEqual({
      notifications: { attempts: 3 },
    });
  });
});
