import type { SpillwayEvent } from '@spillway/contracts';
import type { Pool } from 'pg';
import { isUnreadable, type Vault } from '../../vault/vault';
import { isTrimmed } from './kept-values';
import { asHeard } from './listening';
import { reviveShared } from './shared-json';

/** A run that has ended, as far as it can be gone through again. */
export interface PastRun {
  id: string;
  eventId: string;
  hash: string;
  version: string;
  status: string;
  state: unknown;
  startedAt: Date;
  endedAt: Date;
  /** It took another one's way, so it has no beginning. */
  isRestart: boolean;
  /** Inputs and outputs are forgotten (retention of payloads). */
  isEmptied: boolean;
  definition: unknown;
  /** Those that asked the world for something, in the order in which they began. */
  tasks: PastTask[];
}

export interface PastTask {
  path: string;
  status: string;
  /** Before `output.as`; undefined where it was too large to be kept. */
  answer: unknown;
  error: unknown;
  startedAt: Date;
  endedAt: Date;
}

export interface PastFilter {
  tenant: string;
  flow: string;
  ids?: string[];
  since?: Date;
  limit: number;
}

/** Reads what past runs did and what they were answered. */
export class PastRuns {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /** Those that have ended, newest first. */
  async list({ tenant, flow, ids, since, limit }: PastFilter): Promise<PastRun[]> {
    const { rows } = await this.pool.query<Omit<PastRun, 'tasks'>>(
      `select r.id, r.event_id as "eventId", r.hash, r.version, r.status, r.state, r.started_at as "startedAt",
         r.ended_at as "endedAt", v.definition, exists (select from run_restarts where run_id = r.id) as "isRestart",
         exists (select from events e where e.id = r.event_id and e.payload_gone) as "isEmptied"
       from runs r left join flow_versions v on v.tenant = r.tenant and v.hash = r.hash
       where r.tenant = $1 and r.flow = $2 and r.ended_at is not null
         and ($3::text[] is null or r.id = any($3::text[])) and ($4::timestamptz is null or r.started_at >= $4)
       order by r.started_at desc, r.id desc limit $5`,
      [tenant, flow, ids ?? null, since ?? null, limit],
    );
    const tasks = await this.tasksOf(rows.map(({ id }) => id));
    const states = await this.vault.showAll(rows, ({ id, state }) => [[['run', id], state]]);
    return rows
      .map((row, at) => ({ ...row, state: states[at]![0], tasks: tasks.get(row.id) ?? [] }))
      .filter(({ state }) => !isUnreadable(state))
      .map((row) => ({ ...row, state: reviveShared(row.state) }));
  }

  /** Events of a tenant in the order in which they came. @param types null for all */
  async events(
    tenant: string,
    { types, from, to, limit }: { types: string[] | null; from: Date; to: Date; limit: number },
  ): Promise<{ at: Date; event: SpillwayEvent; heard: object }[]> {
    const { rows } = await this.pool.query<{ at: Date; id: string; event: unknown }>(
      `select accepted_at as at, id, event from events
       where tenant = $1 and accepted_at between $2 and $3 and ($4::text[] is null or type = any($4::text[]))
       order by accepted_at, id limit $5`,
      [tenant, from, to, types, limit],
    );
    return (await this.opened(rows)).map(({ at, event }) => ({ at, event, heard: asHeard(event) }));
  }

  /** The newest events of a tenant, newest first. */
  async newestEvents(tenant: string, { since, limit }: { since?: Date; limit: number }): Promise<SpillwayEvent[]> {
    const { rows } = await this.pool.query<{ id: string; event: unknown }>(
      `select id, event from events where tenant = $1 and ($2::timestamptz is null or accepted_at >= $2)
       order by accepted_at desc, id desc limit $3`,
      [tenant, since ?? null, limit],
    );
    return (await this.opened(rows)).map(({ event }) => event);
  }

  private async opened<Row extends { id: string; event: unknown }>(rows: Row[]) {
    const events = await this.vault.showAll(rows, ({ id, event }) => [[['event', id], event]]);
    return rows
      .map((row, at) => ({ ...row, event: events[at]![0] as SpillwayEvent }))
      .filter(({ event }) => !isUnreadable(event));
  }

  private async tasksOf(ids: string[]): Promise<Map<string, PastTask[]>> {
    const { rows } = await this.pool.query<
      Omit<PastTask, 'answer'> & { runId: string; node: number; answer: unknown; output: unknown; shaped: boolean }
    >(
      `select run_id as "runId", node, path, status, answer, output, answer is not null as shaped, error,
         started_at as "startedAt", ended_at as "endedAt"
       from run_tasks where run_id = any($1::text[]) and kind in ('call', 'run') order by run_id, node`,
      [ids],
    );
    const found = new Map<string, PastTask[]>();
    const opened = await this.vault.showAll(rows, ({ runId, node, shaped, answer, output, error }) => [
      shaped ? [['task', runId, node, 'answer'], answer] : [['task', runId, node, 'output'], output],
      [['task', runId, node, 'error'], error],
    ]);
    for (const [at, { runId, path, status, startedAt, endedAt }] of rows.entries()) {
      const [given, error] = opened[at]!;
      const all = found.get(runId) ?? [];
      all.push({ path, status, startedAt, endedAt, error, answer: isTrimmed(given) ? undefined : given });
      found.set(runId, all);
    }
    return found;
  }
}
