import { setTimeout as wait } from 'node:timers/promises';
import { API_KEY, eventually, type TestServers } from '@spillway/testing';
import { QUEUE_OF_ROLE } from '@spillway/workers';
import { Pool as Database } from 'pg';
import { Pool } from 'undici';
import { startChild } from './child';
import { serversOf } from './cpu';
import { TENANT } from './definitions';
import type { Contestant } from './load';

/** How often is asked which runs have ended. */
const ASK_MS = 25;
const CONNECTIONS = 64;
const EDGE = 'ingress-api';
const WORKERS = Object.keys(QUEUE_OF_ROLE).join(',');

export interface Spillway extends Contestant {
  /** An event from a tenant's own service. @returns its id */
  send(type: string, data: object): Promise<string>;
  /** Begins a run by an event over HTTP. @returns the run's id */
  begin(flow: string, data?: object): Promise<string>;
  ended(runId: string): Promise<void>;
  /** As {@link Contestant}, of another flow. */
  of(flow: string, data?: object): Contestant;
  database: Database;
}

/** As it is configured by default, but for its log, and for sealed payloads: the others keep what they get as it is. */
export function settings(servers: TestServers, sink: string): Record<string, string> {
  const { DATABASE_URL, REDIS_URL, SPILLWAY_KEY, ADMIN_PASSWORD, ADMIN_API_KEY, EGRESS_ALLOW } = servers.environment();
  const own = { INGRESS_PORT: '0', ADMIN_PORT: '0', LOG_LEVEL: 'error', MAX_IN_FLIGHT: '10000' };
  const given = {
    DATABASE_URL,
    SPILLWAY_KEY,
    ADMIN_PASSWORD,
    ADMIN_API_KEY,
    EGRESS_ALLOW,
    ...(REDIS_URL && { REDIS_URL }),
    ENCRYPTION: process.argv.includes('--encryption') ? 'on' : 'off',
  };
  return { ...(given as Record<string, string>), ...own, SINK: sink };
}

/**
 * Spillway on these servers; runs begin through its edge, as those of customers do.
 *
 * @param apart the edge and the workers in a process each; otherwise all roles in one
 */
export async function startSpillway(servers: TestServers, sink: string, apart = false): Promise<Spillway> {
  const start = (roles?: string) =>
    startChild('spillway', { ...settings(servers, sink), ...(roles && { SPILLWAY_ROLES: roles }) });
  const child = await start(apart ? EDGE : undefined);
  const workers = apart ? await start(WORKERS) : undefined;
  const client = new Pool(child.url, { connections: CONNECTIONS });
  const database = new Database({ connectionString: servers.postgres.url, max: 2 });
  const ends = new Ends(database);
  const charged = [
    { what: workers ? 'edge' : 'Spillway', pid: child.pid },
    ...(workers ? [{ what: 'workers', pid: workers.pid }] : []),
    ...(await serversOf(servers)),
  ];
  const send = async (type: string, data: object) => {
    const { statusCode, body } = await client.request({
      path: '/v1/events',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ tenant: TENANT, type, data, id: `${process.pid}-${performance.now()}-${Math.random()}` }),
    });
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`${statusCode}: ${text}`);
    return (JSON.parse(text) as { id: string }).id;
  };
  const begin = async (name: string, data: object = {}) =>
    `${await send(`flow.${name}.requested`, data)}.flow-${name}-start.0`;
  const settle = async () => {
    await eventually(async () => (await unsettled(database)) === 0, {
      withinMs: 120_000,
      what: 'the end of all events',
    });
  };
  const close = async () => {
    ends.close();
    await Promise.all([child.close(), workers?.close()]);
    await client.close();
    await database.end();
  };
  const ended = (runId: string) => ends.of(runId);
  const of = (name: string, data?: object): Contestant => ({
    run: async () => ended(await begin(name, data)),
    settle,
    charged,
    close,
  });
  return { ...of('three'), send, begin, ended, of, database };
}

async function unsettled(database: Database): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::int as n from runs r where r.parent_run is null and not exists (
       select from events e where e.id = r.event_id and e.state = 'done') and r.ended_at is not null`,
  );
  return rows[0]!.n;
}

/** Asks PostgreSQL which runs have ended, all that are open in one query. */
class Ends {
  private readonly open = new Map<string, () => void>();
  private over = false;

  constructor(private readonly database: Database) {
    void this.ask();
  }

  of(runId: string): Promise<void> {
    return new Promise((resolve) => this.open.set(runId, resolve));
  }

  close(): void {
    this.over = true;
  }

  private async ask(): Promise<void> {
    while (!this.over) {
      await wait(ASK_MS);
      if (this.open.size === 0) continue;
      const { rows } = await this.database.query<{ id: string }>({
        name: 'ended',
        // Each by its primary key: a table that nobody has analyzed yet is read as a whole otherwise, 1.3 ms of CPU a run.
        text: `select r.id from unnest($1::text[]) as t (id)
          cross join lateral (select id, ended_at from runs where id = t.id offset 0) r where r.ended_at is not null`,
        values: [[...this.open.keys()]],
      });
      for (const { id } of rows) {
        this.open.get(id)!();
        this.open.delete(id);
      }
    }
  }
}
