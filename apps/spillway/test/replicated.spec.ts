import { TestServers, ThirdParty } from '@spillway/testing';
import { Stack } from './stack';
import { documents, inState, send, TENANTS } from './tenants';

const SETTINGS = {
  cluster: { SPILLWAY_PARTITIONS: '6', REDIS_WAIT_REPLICAS: '1' },
  sentinel: { SPILLWAY_PARTITIONS: '1', REDIS_WAIT_REPLICAS: '1' },
};

describe.each(['cluster', 'sentinel'] as const)('Redis as a %s', (topology) => {
  let servers: TestServers;
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    servers = await TestServers.startReplicated(topology);
    stack = await Stack.on(servers, SETTINGS[topology]);
    await stack.client.post('/apply', { documents: documents(other) });
  }, 120_000);

  afterAll(async () => {
    await stack?.stop();
    await servers?.close();
    await other?.close();
  }, 60_000);

  it('does the work of all tenants: webhook, routes, calls, flow, ledger', async () => {
    const ids = await Promise.all(TENANTS.map(async (tenant) => (await send(stack, tenant, 'one')).id));
    for (const id of ids) expect((await inState(stack, id, 'done')).runs[0]!.state).toBe('completed');
    expect(await send(stack, 'acme', 'one')).toMatchObject({ duplicate: true });
    expect(await stack.platform.outbox.depth()).toBe(0);
    const { partitions } = stack.platform.queues;
    const primaries = await Promise.all(
      partitions.all.map(async (partition) => servers.cluster?.primaryOf(`{${partitions.group(partition)}}`)),
    );
    expect(new Set(primaries).size).toBe(topology === 'cluster' ? 3 : 1);
  });

  it('is found to be set up well', async () => {
    expect(await stack.platform.queues.backend.warnings()).toEqual([]);
  });

  it('goes on when another server takes over, and knows what it took in before', async () => {
    const before = await send(stack, 'acme', 'before');
    await inState(stack, before.id, 'done');
    const primary = await (servers.sentinel?.primary() ??
      servers.cluster!.primaryOf(`{${stack.platform.queues.partitions.groupOfTenant('acme')}}`));
    await (servers.sentinel ?? servers.cluster!).failover(primary);
    const after = await send(stack, 'acme', 'after');
    await inState(stack, after.id, 'done', 40_000);
    expect(await send(stack, 'acme', 'before')).toEqual({ id: before.id, duplicate: true });
  }, 60_000);
});
