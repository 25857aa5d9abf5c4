import type { Pool } from 'pg';
import { inTransaction } from '../../transaction';
import type { Vault } from '../../vault/vault';
import { insertRuns } from './commit';
import type { RunRow } from './run-rows';

export interface TracedTask {
  node: number;
  path: string;
  status: string;
  iteration: number | null;
  input: unknown;
  startedAt: Date;
}

/** What a run left behind, as far as another one needs it that takes its way from a task on. */
export interface RunTrace {
  run: RunRow;
  /** Of the timeline, with the run's own input filled in. */
  tasks: TracedTask[];
  contexts: { node: number; context: unknown }[];
  /** Inputs and outputs are forgotten (retention of payloads). */
  isEmptied: boolean;
}

/** Runs that begin where another one was. */
export class Restarts {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  async trace(run: RunRow): Promise<RunTrace> {
    const { input } = run.state as { input: unknown };
    const [tasks, contexts, emptied] = await Promise.all([
      this.pool.query<TracedTask & { same: boolean }>(
        `select node, path, status, iteration, input, input is null as same, started_at as "startedAt"
         from run_tasks where run_id = $1 order by node`,
        [run.id],
      ),
      this.pool.query<{ node: number; context: unknown }>(
        'select node, context from run_contexts where run_id = $1 order by node',
        [run.id],
      ),
      this.pool.query('select from events where id = $1 and payload_gone', [run.eventId]),
    ]);
    const inputs = await this.vault.showAll(tasks.rows, (task) => [[['task', run.id, task.node, 'input'], task.input]]);
    const found = await this.vault.showAll(contexts.rows, (one) => [[['context', run.id, one.node], one.context]]);
    return {
      run,
      tasks: tasks.rows.map(({ same, ...task }, at) => ({ ...task, input: same ? input : inputs[at]![0] })),
      contexts: contexts.rows.map((one, at) => ({ ...one, context: found[at]![0] })),
      isEmptied: emptied.rows.length > 0,
    };
  }

  /** The last run that took its way, or itself: only that may go on. */
  async newestOf(run: Pick<RunRow, 'id' | 'eventId'>): Promise<string> {
    return (await familyOf(this.pool, run))[0]?.id ?? run.id;
  }

  /**
   * Keeps a run that takes another one's way. Of those of one run, one is under way at a time: who asks twice does not
   * get two.
   *
   * @returns its id, or the id of the one that is under way
   */
  async begin(origin: RunRow, { path, node, state }: { path: string; node: number; state: unknown }) {
    const base = baseOf(origin.id);
    await this.vault.ready([origin.tenant]);
    return inTransaction(this.pool, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`restart ${base}`]);
      const family = await familyOf(client, origin);
      const open = family.find((one) => one.open);
      if (open) return { id: open.id, isNew: false };
      const id = `${base}.r${(family[0]?.number ?? 0) + 1}`;
      const run = { ...origin, id, parentRun: null, parentNode: null, seq: 0, status: 'running', state, jobs: 0 };
      await insertRuns(client, [{ ...run, wakeAt: new Date(), startedAt: new Date(), endedAt: null }], this.vault);
      await client.query('insert into run_restarts (run_id, origin_run, path, node) values ($1, $2, $3, $4)', [
        id,
        origin.id,
        path,
        node,
      ]);
      return { id, isNew: true };
    });
  }
}

/** A run and those that took its way, directly or not, the newest first. */
async function familyOf(db: Pick<Pool, 'query'>, { id, eventId }: Pick<RunRow, 'id' | 'eventId'>) {
  const base = baseOf(id);
  // Something in the inbox of one that has ended may be an order to go on.
  const { rows } = await db.query<{ id: string; open: boolean }>(
    `select id, ended_at is null or exists (select from run_inbox where run_id = id) as open
     from runs where event_id = $1 and id like $2 || '%'`,
    [eventId, base.replace(/[\\%_]/g, '\\$&')],
  );
  return rows
    .filter((row) => baseOf(row.id) === base)
    .map((row) => ({ ...row, number: Number(/\.r(\d+)$/.exec(row.id)?.[1] ?? 0) }))
    .sort((a, b) => b.number - a.number);
}

function baseOf(id: string): string {
  return id.replace(/\.r\d+$/, '');
}
