import { TransientError } from '@spillway/contracts';
import type { Pool, PoolClient } from 'pg';
import { ints, texts } from '../../arrays';
import { batched } from '../../batcher';
import type { Place } from '../../vault/envelope';
import { isUnreadable, type Vault } from '../../vault/vault';
import { IS_OPEN_JOB } from '../open-jobs';
import { commitChanges, insertDeliveries } from './commit';
import { reviveShared } from './shared-json';
import type { Delivery, InboxRow, RunChange, RunRow } from './run-rows';

/** What came in for a run, in order; null for most. */
const INBOX = `(select json_agg(json_build_object('key', i.key, 'input', i.input) order by i.at, i.key)
  from run_inbox i where i.run_id = r.id) as inbox`;
const COLUMNS = `r.id, tenant, flow, hash, version, route, event_id as "eventId", parent_run as "parentRun",
  parent_node as "parentNode", r.seq, status, jobs, wake_at as "wakeAt", priority, correlation_id as "correlationId",
  started_at as "startedAt", ended_at as "endedAt"`;

/** Under load so long is waited for more to share a round trip. */
const LINGER_MS = 5;

/** What is known of a call that a run asked for. */
export type CallRecord =
  /** Nobody has answered it. */
  | { state: 'open' }
  /** It was answered, and the run has not yet taken it or has. */
  | { state: 'answered'; input?: unknown };

/** A run, with what came in for it. */
export interface LoadedRun {
  run: RunRow;
  inbox: InboxRow[];
}

export interface OpenCommand {
  runId: string;
  node: number;
  command: unknown;
  at: Date;
}

/**
 * The truth of runs (docs/architecture.md, "Runs"): a row each, moved on by compare-and-set together with its inbox
 * and what it asked for, in one transaction.
 *
 * Every method @throws TransientError `records-unavailable` when PostgreSQL is away.
 */
export class RunStore {
  /** Puts something into the inbox of a run; the same key a second time is nothing. */
  readonly deliver: (delivery: Delivery) => Promise<void>;
  readonly callRecord: (call: { runId: string; node: number; key: string }) => Promise<CallRecord>;
  private readonly close: (command: { runId: string; node: number }) => Promise<void>;

  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {
    this.deliver = batched((items: Delivery[]) => this.deliverAll(items), { most: 500, lingerMs: LINGER_MS });
    this.callRecord = batched((calls: { runId: string; node: number; key: string }[]) => this.callRecords(calls), {
      most: 500,
      lingerMs: LINGER_MS,
    });
    this.close = batched((commands: { runId: string; node: number }[]) => this.closeAll(commands), { most: 500 });
  }

  /**
   * Runs with what came in for them; ids that are not there, or were shredded, are left out.
   *
   * @param known runs as the caller has them: the state of one that has not moved on since is not read again
   */
  async load(ids: string[], known: ReadonlyMap<string, RunRow> = new Map()): Promise<LoadedRun[]> {
    const rows = await this.query<RunRow & { inbox: InboxRow[] | null }>(
      'runs-load',
      `select ${COLUMNS}, case when r.seq = k.seq then null else r.state end as state, ${INBOX}
       from unnest($1::text[], $2::int[]) as k (id, seq)
       cross join lateral (select * from runs where runs.id = k.id offset 0) r`,
      [texts(ids), ints(ids.map((id) => known.get(id)?.seq))],
    );
    const opened = await this.vault.showAll(rows, ({ id, state, inbox }) => [
      [['run', id], state],
      ...(inbox ?? []).map(({ key, input }): [Place, unknown] => [inboxPlace(id, key), input]),
    ]);
    return rows.flatMap(({ inbox, ...row }, at) => {
      const [state, ...inputs] = opened[at]!;
      if (isUnreadable(state)) return [];
      const came = (inbox ?? []).map(({ key }, n) => ({ key, input: inputs[n] }));
      const readable = came.filter(({ input }) => !isUnreadable(input));
      const same = known.get(row.id);
      const run = same?.seq === row.seq ? same : { ...row, state: reviveShared(state) };
      return [{ run, inbox: readable }];
    });
  }

  /** @returns the ids of the runs that were written; the others have moved on since they were read */
  async commit(changes: RunChange[]): Promise<Set<string>> {
    if (changes.length === 0) return new Set();
    await this.vault.ready(changes.map(({ run }) => run.tenant));
    return this.guarded(() => commitChanges(this.pool, changes, this.vault));
  }

  /** Keeps a definition under its hash, for as long as runs may need it. */
  async keepVersion(version: {
    tenant: string;
    flow: string;
    hash: string;
    version: string;
    definition: unknown;
  }): Promise<void> {
    await this.query(
      'runs-version',
      `insert into flow_versions (tenant, flow, hash, version, definition) values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [version.tenant, version.flow, version.hash, version.version, JSON.stringify(version.definition)],
    );
  }

  async definition(tenant: string, hash: string): Promise<unknown> {
    const rows = await this.query<{ definition: unknown }>(
      'runs-definition',
      'select definition from flow_versions where tenant = $1 and hash = $2',
      [tenant, hash],
    );
    return rows[0]?.definition;
  }

  /** A document that the version of a run's flow brings with it; undefined when there is none. */
  async resource(runId: string, uri: string): Promise<string | undefined> {
    const rows = await this.query<{ text: string | null }>(
      'runs-resource',
      `select v.definition #>> array['document', 'metadata', 'resources', $2::text] as text
       from runs r join flow_versions v on v.tenant = r.tenant and v.hash = r.hash where r.id = $1`,
      [runId, uri],
    );
    return rows[0]?.text ?? undefined;
  }

  /** Forgets commands that need no answer, once they are done. */
  async closeCommands(runId: string, nodes: number[]): Promise<void> {
    await Promise.all(nodes.map((node) => this.close({ runId, node })));
  }

  /** Commands that have been waiting for so long that their job may be lost, oldest first. */
  async commandsBefore(time: Date, limit: number): Promise<OpenCommand[]> {
    return this.readable(
      await this.query(
        'runs-stale-commands',
        `select run_id as "runId", node, command, at from run_commands where at < $1 order by at limit $2`,
        [time, limit],
      ),
    );
  }

  /** What a run asked for and has no answer to. */
  async commandsOf(runId: string): Promise<OpenCommand[]> {
    const columns = 'run_id as "runId", node, command, at';
    return this.readable(
      await this.query('runs-commands', `select ${columns} from run_commands where run_id = $1 order by node`, [runId]),
    );
  }

  /** Tasks of a run that were done before a time, and of whose job the ledger knows no attempt; of so many at most. */
  async untoldTasks(
    runId: string,
    before: Date,
    limit: number,
  ): Promise<{ node: number; path: string; startedAt: Date; endedAt: Date }[]> {
    return this.query(
      'runs-untold-tasks',
      `select node, path, started_at as "startedAt", ended_at as "endedAt" from run_tasks
       where run_id = $1 and status = 'completed' and kind in ('call', 'run') and ended_at < $2
         and not exists (select from jobs where jobs.id = run_id || '.' || node and jobs.first_id is not null)
       order by node limit $3`,
      [runId, before, limit],
    );
  }

  private async readable(rows: OpenCommand[]): Promise<OpenCommand[]> {
    const commands = await Promise.all(
      rows.map((row) => this.vault.show<{ unreadable?: string }>(['command', row.runId, row.node], row.command)),
    );
    // A shredded one can be made by nobody.
    return rows.map((row, at) => ({ ...row, command: commands[at] })).filter(({ command }) => !command?.unreadable);
  }

  /** Somebody is at them, or will look at them again later. */
  async touchCommands(commands: Pick<OpenCommand, 'runId' | 'node'>[]): Promise<void> {
    await this.query(
      'runs-touch',
      `update run_commands x set at = now() from unnest($1::text[], $2::int[]) as t (run_id, node)
       where x.run_id = t.run_id and x.node = t.node`,
      [commands.map((one) => one.runId), commands.map((one) => one.node)],
    );
  }

  /** Runs with something in their inbox since before `time`, or that should have been woken before it. */
  async overdue(
    time: Date,
    limit: number,
  ): Promise<{ id: string; tenant: string; eventId: string; flow: string; priority: string; correlationId: string }[]> {
    return this.query(
      'runs-overdue',
      `select id, tenant, event_id as "eventId", flow, priority, correlation_id as "correlationId" from runs
       where wake_at < $1 and status <> 'suspended'
       union
       select r.id, r.tenant, r.event_id, r.flow, r.priority, r.correlation_id
       from run_inbox i join runs r on r.id = i.run_id
       where i.at < $1 and (r.status <> 'suspended' or i.input ->> 'kind' in ('cancel', 'resume', 'suspend', 'retry'))
       limit $2`,
      [time, limit],
    );
  }

  /** Runs that ended between two times, whose event is still taken to be moving though nothing of it is open. */
  async endedUntold(
    since: Date,
    until: Date,
    limit: number,
  ): Promise<{ id: string; tenant: string; eventId: string }[]> {
    return this.query(
      'runs-ended-untold',
      `select distinct on (e.id) r.id, e.tenant, e.id as "eventId" from runs r join events e on e.id = r.event_id
       where r.ended_at >= $1 and r.ended_at < $2 and e.state = 'moving'
         and not exists (select from runs where event_id = e.id and (ended_at is null or ended_at >= $2))
         and not exists (select from jobs where event_id = e.id and ${IS_OPEN_JOB})
       limit $3`,
      [since, until, limit],
    );
  }

  /** Runs that are due between two times: their timers are set when that is near. */
  async due(from: Date, until: Date, limit: number) {
    return this.query<{
      id: string;
      tenant: string;
      eventId: string;
      flow: string;
      priority: string;
      correlationId: string;
      seq: number;
      wakeAt: Date;
    }>(
      'runs-due',
      `select id, tenant, event_id as "eventId", flow, priority, correlation_id as "correlationId", seq, wake_at as "wakeAt"
       from runs where wake_at >= $1 and wake_at < $2 and status <> 'suspended' order by wake_at limit $3`,
      [from, until, limit],
    );
  }

  private async deliverAll(items: Delivery[]): Promise<void[]> {
    await this.vault.ready(items.flatMap(({ tenant }) => tenant ?? []));
    await this.guarded(() => insertDeliveries(this.pool as unknown as PoolClient, items, this.vault));
    return items.map(() => undefined);
  }

  private async closeAll(commands: { runId: string; node: number }[]): Promise<void[]> {
    await this.query(
      'runs-close',
      `delete from run_commands x using unnest($1::text[], $2::int[]) as t (run_id, node)
       where x.run_id = t.run_id and x.node = t.node`,
      [texts(commands.map((one) => one.runId)), ints(commands.map((one) => one.node))],
    );
    return commands.map(() => undefined);
  }

  private async callRecords(calls: { runId: string; node: number; key: string }[]): Promise<CallRecord[]> {
    const rows = await this.query<{ n: number; open: boolean; input: unknown; there: boolean }>(
      'runs-call-record',
      `select t.n::int as n, c.run_id is not null as open, i.input, i.run_id is not null as there
       from unnest($1::text[], $2::int[], $3::text[]) with ordinality as t (run_id, node, key, n)
       left join run_commands c on c.run_id = t.run_id and c.node = t.node
       left join run_inbox i on i.run_id = t.run_id and i.key = t.key`,
      [texts(calls.map((one) => one.runId)), ints(calls.map((one) => one.node)), texts(calls.map((one) => one.key))],
    );
    const opened = await this.vault.showAll(rows, ({ n, input }) => {
      const { runId, key } = calls[n - 1]!;
      return [[inboxPlace(runId, key), input]];
    });
    const found = new Map(rows.map((row, at) => [row.n, { ...row, input: opened[at]![0] }]));
    return calls.map((_, index) => {
      const row = found.get(index + 1)!;
      if (row.there) return { state: 'answered', input: row.input };
      return row.open ? { state: 'open' } : { state: 'answered' };
    });
  }

  private async query<Row>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return this.guarded(async () => (await this.pool.query({ name, text, values })).rows as Row[]);
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new TransientError(`the run could not be read or written: ${String(cause)}`, {
        code: 'records-unavailable',
        cause,
      });
    }
  }
}

/** What came by an event is the same in every inbox it came to. */
function inboxPlace(runId: string, key: string): Place {
  return EVENT_KEY.test(key) ? ['inbox', key] : ['inbox', runId, key];
}

const EVENT_KEY = /^e[0-9a-f]{8}-[0-9a-f-]{27}$/;
