import { onFreePorts } from '../ports';
import { DURABLE, RedisProcess } from './redis-process';

/** A real redis-server of its own, durable as production wants it, that can be stopped and started again. */
export class TestRedis {
  private constructor(private readonly server: RedisProcess) {}

  /** @throws Error that says how to get redis-server */
  static start(): Promise<TestRedis> {
    return onFreePorts(1, async ([port]) => {
      const redis = new TestRedis(new RedisProcess(port!, DURABLE));
      await redis.resume();
      return redis;
    });
  }

  get url(): string {
    return `redis://127.0.0.1:${this.server.port}`;
  }

  /** Starts it again, with what it had written. */
  resume(): Promise<void> {
    return this.server.start();
  }

  /** @param signal SIGKILL is a crash */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    return this.server.stop(signal);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
