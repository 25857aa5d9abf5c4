import { setTimeout as wait } from 'node:timers/promises';
import { API_VERSION } from '@spillway/contracts';
import { openDatabase } from '@spillway/persistence';
import { groupOf, partitionOf } from '@spillway/queues';
import { hmacProvider } from '@spillway/sources';
import { API_KEY, eventually, type RedisProcess, TestServers, ThirdParty } from '@spillway/testing';
import { Agent, request } from 'undici';
import { SpillwayProcess } from './spillway-process';

export interface FailoverOptions {
  topology: 'cluster' | 'sentinel';
  /** `kill`: kill -9 of a primary, which is started again once another has taken over. `manual`: an operator's command. */
  how: 'kill' | 'manual';
  waitReplicas: number;
  /** Seconds of load before, and from, the failover. */
  seconds: number;
  say: (line: string) => void;
}

export interface FailoverReport {
  accepted: number;
  refused: number;
  done: number;
  /** Accepted and not done, however long one waits. */
  lost: number;
  duplicateEffects: number;
  /** From the failover to the first effect of an event of an affected tenant that was accepted after it. */
  recoverySeconds: number;
}

const SECRET = 'chaos';
const SENDERS = 6;
const PAUSE_MS = 20;
const PARTITIONS = { cluster: 6, sentinel: 1 };
const TENANTS = Array.from({ length: 12 }, (_, index) => `tenant-${index}`);
const WORKERS = 'worker-ingress,worker-orchestration,worker-integration,worker-notifications,worker-analytics';
const SETTLE_MS = 120_000;

interface Sent {
  id: string;
  tenant: string;
  at: number;
}

/** Load on the ingress while a primary is replaced; then what became of each event that was answered with 202. */
export async function runFailover(options: FailoverOptions): Promise<FailoverReport> {
  const servers = await TestServers.startReplicated(options.topology);
  const other = await ThirdParty.start({ honoursIdempotencyKey: true });
  /** When each event's effect was first seen. */
  const effects = new Map<string, number>();
  other.answer = ({ body }) => {
    const { event } = JSON.parse(body) as { event: string };
    if (!effects.has(event)) effects.set(event, Date.now());
  };
  const environment = servers.environment({
    LOG_LEVEL: 'warn',
    SPILLWAY_PARTITIONS: String(PARTITIONS[options.topology]),
    REDIS_WAIT_REPLICAS: String(options.waitReplicas),
    RECONCILE_AFTER: '15s',
  });
  const processes: SpillwayProcess[] = [];
  const agent = new Agent({ connections: SENDERS });
  try {
    const edge = await SpillwayProcess.start('ingress-api,admin', environment);
    processes.push(edge, await SpillwayProcess.start(WORKERS, environment));
    await configure(edge.adminUrl, other.url);
    const load = new Load(edge.ingressUrl, agent);
    const sending = load.run();
    await wait(options.seconds * 1_000);
    const at = Date.now();
    const affected = await replace(servers, options);
    await wait(Math.max(0, at + options.seconds * 1_000 - Date.now()));
    load.stop();
    await sending;
    const { accepted } = load;
    options.say(`${accepted.length} accepted, ${load.refused} refused and sent again; waiting for their ends`);
    const done = await settle(servers.postgres.url, accepted);
    if (done < accepted.length) {
      for (const one of await undone(servers.postgres.url, accepted)) options.say(`not done: ${one}`);
      for (const one of processes) options.say(`what it said last:\n${one.output.split('\n').slice(-12).join('\n')}`);
    }
    const after = accepted
      .filter((one) => one.at > at && affected(one.tenant))
      .map((one) => effects.get(one.id) ?? Infinity);
    return {
      accepted: accepted.length,
      refused: load.refused,
      done,
      lost: accepted.length - done,
      duplicateEffects: duplicates(other),
      recoverySeconds: (Math.min(Infinity, ...after) - at) / 1_000,
    };
  } finally {
    await agent.close();
    await Promise.all(processes.map((one) => one.kill()));
    await Promise.all([other.close(), servers.close()]);
  }
}

/** @returns whether a tenant's queues were on the primary that was replaced */
async function replace(servers: TestServers, { topology, how, say }: FailoverOptions) {
  const count = PARTITIONS[topology];
  const keyOf = (tenant: string) => `{${groupOf('spillway', partitionOf(tenant, count), count)}}`;
  const redis = servers.sentinel ?? servers.cluster!;
  const primary = await (servers.sentinel?.primary() ?? servers.cluster!.primaryOf(keyOf(TENANTS[0]!)));
  const owners = new Map<string, RedisProcess>();
  for (const tenant of TENANTS) {
    owners.set(tenant, (await servers.cluster?.primaryOf(keyOf(tenant))) ?? primary);
  }
  const began = Date.now();
  if (how === 'manual') await redis.failover(primary);
  else {
    await primary.stop('SIGKILL');
    await redis.movedFrom(primary, keyOf(TENANTS[0]!));
    await primary.start();
  }
  say(`${how}: another primary after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  return (tenant: string) => owners.get(tenant) === primary;
}

/** Senders that try again until they get a 202, as providers do. */
class Load {
  readonly accepted: Sent[] = [];
  refused = 0;
  private stopped = false;
  private next = 0;

  constructor(
    private readonly url: string,
    private readonly agent: Agent,
  ) {}

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: SENDERS }, () => this.send()));
  }

  stop(): void {
    this.stopped = true;
  }

  private async send(): Promise<void> {
    const options = hmacProvider.options.parse({ idPath: 'id' });
    while (!this.stopped) {
      const number = this.next++;
      const tenant = TENANTS[number % TENANTS.length]!;
      const url = `${this.url}/v1/in/${tenant}/in`;
      const sample = { type: 'x', contentType: 'application/json', body: JSON.stringify({ id: `e-${number}` }) };
      const { headers } = hmacProvider.sign(sample, { url, keys: { secrets: [SECRET] }, options, now: Date.now() });
      for (;;) {
        const id = await this.deliver(url, sample.body, { ...headers, 'content-type': 'application/json' });
        if (id) {
          this.accepted.push({ id, tenant, at: Date.now() });
          break;
        }
        this.refused += 1;
        await wait(200);
      }
      await wait(PAUSE_MS);
    }
  }

  private async deliver(url: string, body: string, headers: Record<string, string>): Promise<string | undefined> {
    try {
      const answer = await request(url, { method: 'POST', body, headers, dispatcher: this.agent });
      const text = await answer.body.text();
      return answer.statusCode === 202 ? (JSON.parse(text) as { id: string }).id : undefined;
    } catch {
      return undefined;
    }
  }
}

async function configure(admin: string, other: string): Promise<void> {
  const body = { event: '${ .id }', of: '${ .providerid }' };
  const effect = { call: 'http', with: { method: 'post', endpoint: `${other}/flow`, body } };
  const documents = TENANTS.flatMap((tenant) => {
    const one = (kind: string, name: string, spec: unknown) => ({
      apiVersion: API_VERSION,
      kind,
      metadata: { tenant, name },
      spec,
    });
    return [
      { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: tenant }, spec: {} },
      one('Source', 'in', { provider: 'hmac', secrets: [{ value: SECRET }], options: { idPath: 'id' } }),
      one('Flow', 'one', { do: [{ effect }] }),
      one('Route', 'flow', { to: { flow: 'one' } }),
      one('Route', 'call', { to: { http: { url: `${other}/call`, body }, attempts: 100 } }),
    ];
  });
  const answer = await request(`${admin}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ documents }),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(text);
}

/** What was done twice: under one key, or under two for one event of the provider, whatever we call it. */
function duplicates(other: ThirdParty): number {
  const keys = new Map<string, Set<unknown>>();
  for (const { path, body, headers } of other.calls) {
    const what = `${path} ${(JSON.parse(body) as { of: string }).of}`;
    keys.set(what, (keys.get(what) ?? new Set()).add(headers['idempotency-key']));
  }
  return other.repeated().length + [...keys.values()].filter((one) => one.size > 1).length;
}

/** @returns of each event that is not done, what the ledger, its jobs and its runs say */
async function undone(url: string, accepted: Sent[]): Promise<string[]> {
  const database = openDatabase(url, 1);
  try {
    const { rows } = await database.pool.query<{ told: string }>(
      `select concat_ws(' ', t.id, coalesce(e.state, 'not in the ledger'), e.via, 'twice ' || (t.n > 1)::text,
          (select 'kept ' || (relayed_at is not null)::text from outbox where event_id = t.id limit 1),
          (select string_agg(j.id || ' ' || j.state, ', ') from jobs j where j.event_id = t.id),
          (select string_agg(r.id || ' ' || r.status, ', ') from runs r where r.event_id = t.id)) as told
        from (select id, count(*) as n from unnest($1::uuid[]) as id group by id) t left join events e on e.id = t.id
        where e.state is distinct from 'done' or t.n > 1`,
      [accepted.map((one) => one.id)],
    );
    return rows.map(({ told }) => told);
  } finally {
    await database.close();
  }
}

/** @returns how many of these events are done */
async function settle(url: string, accepted: Sent[]): Promise<number> {
  const database = openDatabase(url, 2);
  const ids = [...new Set(accepted.map((one) => one.id))];
  const count = async () => {
    const { rows } = await database.pool.query<{ done: string }>(
      `select count(*) as done from events where state = 'done' and id = any($1::uuid[])`,
      [ids],
    );
    return Number(rows[0]!.done);
  };
  try {
    await eventually(async () => (await count()) === accepted.length, { withinMs: SETTLE_MS, everyMs: 500 }).catch(
      () => undefined,
    );
    return await count();
  } finally {
    await database.close();
  }
}
