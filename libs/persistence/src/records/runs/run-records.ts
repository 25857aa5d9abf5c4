import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../schema';
import type { Vault } from '../../vault/vault';
import { reviveShared } from './shared-json';

export interface RunFilter {
  tenant?: string;
  flow?: string;
  status?: string;
  eventId?: string;
  /** The last id of the page before. */
  before?: string;
  limit?: number;
}

export interface RunSummary {
  id: string;
  tenant: string;
  flow: string;
  version: string;
  status: string;
  route: string;
  eventId: string;
  parentRun: string | null;
  /** Jobs that were made for it. */
  jobs: number;
  startedAt: Date;
  endedAt: Date | null;
  wakeAt: Date | null;
}

export interface RunTask {
  node: number;
  /** JSON pointer to its definition. */
  path: string;
  name: string;
  kind: string;
  attempt: number | null;
  /** Of the loop in whose list it stands, from 0. */
  iteration: number | null;
  status: string;
  input: unknown;
  output: unknown;
  error: unknown;
  startedAt: Date;
  endedAt: Date | null;
}

export interface RunRecord extends RunSummary {
  input: unknown;
  output: unknown;
  error: unknown;
  context: unknown;
  /** Those that have ended, then those under way. */
  tasks: RunTask[];
  children: { id: string; flow: string; status: string }[];
  /** The run whose way it took, and from where on. */
  origin: { run: string; path: string } | null;
  /** Runs that took its way. */
  restarts: { id: string; path: string; status: string }[];
  definition: unknown;
}

interface ActiveNode {
  id: number;
  path: string;
  name: string;
  raw: unknown;
  startedAt: number;
  attempt?: number;
  wait?: { for: string };
  children?: ActiveNode[];
}

interface State {
  begin?: unknown;
  input?: unknown;
  output?: unknown;
  error?: unknown;
  context?: unknown;
  root?: ActiveNode;
}

const SUMMARY = sql<RunSummary>`id, tenant, flow, version, status, route, event_id as "eventId", parent_run as "parentRun",
  jobs, started_at as "startedAt", ended_at as "endedAt", wake_at as "wakeAt"`;

/** Reads runs and what became of their tasks. */
export class RunRecords {
  constructor(
    private readonly db: Kysely<Schema>,
    private readonly vault: Vault,
  ) {}

  /** Newest first. */
  async list(filter: RunFilter): Promise<RunSummary[]> {
    const conditions = [
      filter.tenant && sql`tenant = ${filter.tenant}`,
      filter.flow && sql`flow = ${filter.flow}`,
      filter.status && sql`status = ${filter.status}`,
      filter.eventId && sql`event_id = ${filter.eventId}`,
      filter.before && sql`(started_at, id) < (select started_at, id from runs where id = ${filter.before})`,
    ].filter((one) => !!one);
    const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
    const limit = Math.min(filter.limit ?? 50, 500);
    const { rows } = await sql<RunSummary>`select ${SUMMARY} from runs ${where}
      order by started_at desc, id desc limit ${limit}`.execute(this.db);
    return rows;
  }

  /** One run with its tasks; undefined when there is none. */
  async find(id: string): Promise<RunRecord | undefined> {
    const { rows } = await sql<RunSummary & { state: State; hash: string }>`
      select ${SUMMARY}, state, hash from runs where id = ${id}`.execute(this.db);
    const row = rows[0];
    if (!row) return undefined;
    const { hash, state: kept, ...summary } = row;
    const state = reviveShared(await this.vault.show(['run', id], kept)) as State;
    const [tasks, children, origin, restarts, version] = await Promise.all([
      sql<
        RunTask & { same: boolean }
      >`select node, path, name, kind, attempt, iteration, status, input, input is null as same, output, error, started_at as "startedAt",
        ended_at as "endedAt" from run_tasks where run_id = ${id} order by ended_at, node`.execute(this.db),
      sql<{ id: string; flow: string; status: string }>`
        select id, flow, status from runs where parent_run = ${id} order by started_at, id`.execute(this.db),
      sql<{ run: string; path: string }>`
        select origin_run as run, path from run_restarts where run_id = ${id}`.execute(this.db),
      sql<{ id: string; path: string; status: string }>`
        select r.id, x.path, r.status from run_restarts x join runs r on r.id = x.run_id
        where x.origin_run = ${id} order by r.started_at, r.id`.execute(this.db),
      this.db
        .selectFrom('flow_versions')
        .select('definition')
        .where('tenant', '=', summary.tenant)
        .where('hash', '=', hash)
        .executeTakeFirst(),
    ]);
    const opened = await Promise.all(tasks.rows.map((task) => this.opened(id, task)));
    return {
      ...summary,
      input: state.input ?? state.begin,
      output: state.output,
      error: state.error,
      context: state.context,
      tasks: [
        ...opened.map(({ same, ...task }) => (same ? { ...task, input: state.input } : task)),
        ...activeTasks(state.root),
      ],
      children: children.rows,
      origin: origin.rows[0] ?? null,
      restarts: restarts.rows,
      definition: version?.definition,
    };
  }

  private async opened<Task extends RunTask>(runId: string, task: Task): Promise<Task> {
    const show = (field: 'input' | 'output' | 'error') =>
      this.vault.show(['task', runId, task.node, field], task[field]);
    const [input, output, error] = await Promise.all([show('input'), show('output'), show('error')]);
    return { ...task, input, output, error };
  }
}

function activeTasks(node: ActiveNode | undefined): RunTask[] {
  if (!node) return [];
  const own: RunTask[] = node.name
    ? [
        {
          node: node.id,
          path: node.path,
          name: node.name,
          kind: '',
          attempt: node.attempt ?? null,
          iteration: null,
          status: node.wait && node.wait.for !== 'answer' ? 'waiting' : 'running',
          input: node.raw,
          output: null,
          error: null,
          startedAt: new Date(node.startedAt),
          endedAt: null,
        },
      ]
    : [];
  return [...own, ...(node.children ?? []).flatMap(activeTasks)];
}
