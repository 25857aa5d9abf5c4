import { eventually } from '../eventually';
import { onFreePorts } from '../ports';
import { DURABLE, RedisProcess } from './redis-process';

const PASSWORD = 'a cluster password';
const PRIMARIES = 3;
const SLOTS = 16_384;
/** How long a node must be silent to be taken for dead; milliseconds. */
const NODE_TIMEOUT_MS = 2_000;

/** A real Redis Cluster on loopback: three primaries with a replica each, a password, and `min-replicas-to-write 1`. */
export class TestRedisCluster {
  private constructor(private readonly nodes: RedisProcess[]) {}

  static start({ minReplicas = 1 }: { minReplicas?: number } = {}): Promise<TestRedisCluster> {
    return onFreePorts(4 * PRIMARIES, async (ports) => {
      const [own, bus] = [ports.slice(0, 2 * PRIMARIES), ports.slice(2 * PRIMARIES)];
      const cluster = new TestRedisCluster(
        own.map((port, index) => new RedisProcess(port, settings(minReplicas, bus[index]!))),
      );
      try {
        await Promise.all(cluster.nodes.map((node) => node.start()));
        await cluster.join();
      } catch (error) {
        await cluster.close();
        throw error;
      }
      return cluster;
    });
  }

  /** Some of the nodes: clients find the others. */
  get url(): string {
    const hosts = [this.nodes[0]!, this.nodes.at(-1)!].map((node) => `127.0.0.1:${node.port}`);
    return `redis+cluster://:${encodeURIComponent(PASSWORD)}@${hosts.join(',')}`;
  }

  /** The primary of a key's slot, as the nodes that answer know it. */
  primaryOf(key: string): Promise<RedisProcess> {
    return eventually(
      async () => {
        const up = await this.someone();
        const slot = Number(await up.ask(PASSWORD, 'CLUSTER', 'KEYSLOT', key));
        const ranges = (await up.ask(PASSWORD, 'CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
        const range = ranges.find(([from, to]) => slot >= from && slot <= to);
        return this.nodes.find((node) => node.port === range?.[2][1]);
      },
      { what: `a primary of ${key}` },
    );
  }

  /** Waits until a key's slot is another node's, which works. */
  async movedFrom(old: RedisProcess, key: string): Promise<void> {
    const moved = async () => {
      const now = await this.primaryOf(key);
      return now !== old && (await roleOf(now))[0] === 'master';
    };
    await eventually(moved, { what: 'a new primary', withinMs: 60_000 });
  }

  /** A replica takes over from its primary, which is there and agrees. */
  async failover(primary: RedisProcess): Promise<void> {
    const [, , replicas] = (await roleOf(primary)) as [string, number, [string, string][]];
    const replica = this.nodes.find((node) => String(node.port) === replicas[0]?.[1]);
    await replica!.ask(PASSWORD, 'CLUSTER', 'FAILOVER');
    await eventually(async () => (await roleOf(primary))[0] === 'slave', { what: 'the failover' });
  }

  /** Every node is up and knows all, and each primary has a replica in step. */
  async isWhole(): Promise<boolean> {
    const answers = await Promise.all(
      this.nodes.map(async (node) => {
        const info = String(await node.ask(PASSWORD, 'CLUSTER', 'INFO'));
        const role = await roleOf(node);
        const inStep = role[0] === 'master' ? (role[2] as unknown[]).length > 0 : role[3] === 'connected';
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${this.nodes.length}`) && inStep;
      }),
    );
    return answers.every(Boolean);
  }

  /** A slot has no primary that works, and so nothing does. */
  async isDown(): Promise<boolean> {
    const up = await this.someone();
    return String(await up.ask(PASSWORD, 'CLUSTER', 'INFO')).includes('cluster_state:fail');
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  private async join(): Promise<void> {
    const primaries = this.nodes.slice(0, PRIMARIES);
    const replicas = this.nodes.slice(PRIMARIES);
    const [first] = primaries;
    for (const node of this.nodes) {
      if (node !== first) await node.ask(PASSWORD, 'CLUSTER', 'MEET', '127.0.0.1', first!.port, await busOf(first!));
    }
    for (const [index, node] of primaries.entries()) {
      const from = Math.ceil((index * SLOTS) / PRIMARIES);
      const to = Math.ceil(((index + 1) * SLOTS) / PRIMARIES) - 1;
      await node.ask(PASSWORD, 'CLUSTER', 'ADDSLOTSRANGE', from, to);
      await node.ask(PASSWORD, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1).catch(() => undefined);
    }
    for (const [index, node] of replicas.entries()) {
      const id = String(await primaries[index]!.ask(PASSWORD, 'CLUSTER', 'MYID'));
      // Not before it has heard of its primary.
      await eventually(() => node.ask(PASSWORD, 'CLUSTER', 'REPLICATE', id), { what: 'a replica' });
    }
    await eventually(() => this.isWhole(), { what: 'the cluster', withinMs: 60_000 });
  }

  private async someone(): Promise<RedisProcess> {
    for (const node of this.nodes) {
      if ((await node.ask(PASSWORD, 'PING').catch(() => undefined)) === 'PONG') return node;
    }
    throw new Error('no node answers');
  }
}

function settings(minReplicas: number, bus: number) {
  return {
    ...DURABLE,
    'cluster-enabled': 'yes',
    // The usual one, 10,000 above its port, may be none.
    'cluster-port': bus,
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    'min-replicas-to-write': minReplicas,
    'repl-ping-replica-period': 1,
    'repl-diskless-sync-delay': 0,
    requirepass: `"${PASSWORD}"`,
    masterauth: `"${PASSWORD}"`,
  };
}

function roleOf(node: RedisProcess): Promise<unknown[]> {
  return node.ask(PASSWORD, 'ROLE') as Promise<unknown[]>;
}

async function busOf(node: RedisProcess): Promise<number> {
  const [, port] = (await node.ask(PASSWORD, 'CONFIG', 'GET', 'cluster-port')) as [string, string];
  return Number(port);
}
