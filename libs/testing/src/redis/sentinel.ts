import { eventually } from '../eventually';
import { onFreePorts } from '../ports';
import { DURABLE, RedisProcess } from './redis-process';

const PASSWORD = 'a primary password';
const NAME = 'spillway';
/** How long a primary must be silent to be taken for dead; milliseconds. */
const DOWN_MS = 2_000;

/** A real primary with two replicas, and three sentinels that watch them. */
export class TestRedisSentinel {
  private constructor(
    private readonly servers: RedisProcess[],
    private readonly sentinels: RedisProcess[],
  ) {}

  static start(): Promise<TestRedisSentinel> {
    return onFreePorts(6, async (ports) => {
      const servers = ports.slice(0, 3).map((port) => new RedisProcess(port, SERVER));
      const sentinels = ports.slice(3).map((port) => new RedisProcess(port, watch(ports[0]!), 'sentinel'));
      const self = new TestRedisSentinel(servers, sentinels);
      try {
        await self.join();
      } catch (error) {
        await self.close();
        throw error;
      }
      return self;
    });
  }

  get url(): string {
    const hosts = this.sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(',');
    return `redis+sentinel://:${encodeURIComponent(PASSWORD)}@${hosts}/${NAME}`;
  }

  primary(): Promise<RedisProcess> {
    return eventually(async () => {
      const answer = await this.sentinels[0]!.ask(undefined, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
      return this.servers.find((server) => String(server.port) === (answer as string[])[1]);
    });
  }

  async movedFrom(old: RedisProcess): Promise<void> {
    const moved = async () => {
      const now = await this.primary();
      return now !== old && (await roleOf(now))[0] === 'master';
    };
    await eventually(moved, { what: 'a new primary', withinMs: 60_000 });
  }

  async failover(primary: RedisProcess): Promise<void> {
    await this.sentinels[0]!.ask(undefined, 'SENTINEL', 'FAILOVER', NAME);
    await this.movedFrom(primary);
  }

  /** All servers are up, the replicas in step, and each sentinel knows them and the other sentinels. */
  async isWhole(): Promise<boolean> {
    const roles = await Promise.all(this.servers.map(roleOf));
    const inStep = roles.filter((role) => role[0] === 'slave' && role[3] === 'connected').length === 2;
    const infos = await Promise.all(this.sentinels.map((sentinel) => sentinel.ask(undefined, 'INFO', 'sentinel')));
    return inStep && infos.every((info) => /status=ok,.*slaves=2,sentinels=3/.test(String(info)));
  }

  private async join(): Promise<void> {
    const [primary, ...replicas] = this.servers;
    await Promise.all(this.servers.map((server) => server.start()));
    for (const replica of replicas) await replica.ask(PASSWORD, 'REPLICAOF', '127.0.0.1', primary!.port);
    await Promise.all(this.sentinels.map((sentinel) => sentinel.start()));
    await eventually(() => this.isWhole(), { what: 'the sentinels', withinMs: 60_000 });
  }

  async close(): Promise<void> {
    await Promise.all([...this.servers, ...this.sentinels].map((server) => server.close()));
  }
}

const SERVER = {
  ...DURABLE,
  requirepass: `"${PASSWORD}"`,
  masterauth: `"${PASSWORD}"`,
  'min-replicas-to-write': 1,
  'repl-ping-replica-period': 1,
  'repl-diskless-sync-delay': 0,
};

function watch(primary: number) {
  return {
    bind: '127.0.0.1',
    'sentinel monitor': `${NAME} 127.0.0.1 ${primary} 2`,
    'sentinel auth-pass': `${NAME} "${PASSWORD}"`,
    'sentinel down-after-milliseconds': `${NAME} ${DOWN_MS}`,
    'sentinel failover-timeout': `${NAME} 10000`,
  };
}

function roleOf(server: RedisProcess): Promise<unknown[]> {
  return server.ask(PASSWORD, 'ROLE') as Promise<unknown[]>;
}
