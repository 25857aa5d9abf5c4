import { ints, jsons, texts, times } from '../../arrays';
import type { Vault } from '../../vault/vault';
import { kept } from './kept-values';
import { insertNewRuns, newRunValues, statesOf } from './new-runs';
import type { RunChange } from './run-rows';

interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

/**
 * What nearly all steps write, of many runs in one statement and so in one round trip: the run itself with compare-and-set on
 * `seq` (or, for a new one, if it is not there), what was taken from its inbox, its commands, and its finished tasks. What
 * belongs to a run that has moved on is not written. PostgreSQL shows all parts of a statement the same rows, those before it.
 */
export function stepStatement(changes: readonly RunChange[], vault: Vault): Statement {
  const born = changes.filter(({ run }) => run.seq === 0);
  const values = [
    ...movedValues(
      changes.filter(({ run }) => run.seq > 0),
      vault,
    ),
    ...inboxValues(changes),
    ...closedValues(changes),
    ...askedValues(changes, vault),
    ...taskValues(changes, vault),
  ];
  if (born.length === 0) return { name: 'runs-step', text: TEXT, values };
  return {
    name: 'runs-step-born',
    text: TEXT_WITH_BORN,
    values: [
      ...values,
      ...newRunValues(
        born.map(({ run }) => run),
        vault,
      ),
    ],
  };
}

/** Commands under a node that the same step closes: they are written after that, by a statement of their own. */
export function askedAgain({ commands, closed }: RunChange): RunChange['commands'] {
  return closed.length === 0 ? [] : commands.filter(({ node }) => closed.includes(node));
}

const MOVED = `moved as (
    update runs set seq = runs.seq + 1, status = t.status, state = t.state, jobs = t.jobs, wake_at = t.wake_at,
      ended_at = t.ended_at
    from unnest($1::text[], $2::int[], $3::text[], $4::json[], $5::int[], $6::timestamptz[], $7::timestamptz[])
      as t (id, seq, status, state, jobs, wake_at, ended_at)
    where runs.id = t.id and runs.seq = t.seq
    returning runs.id
  )`;

const BELONGINGS = `inbox as (
    delete from run_inbox x using unnest($8::text[], $9::text[]) as t (run_id, key), written w
    where t.run_id = w.id and x.run_id = t.run_id and x.key = t.key
  ), closed as (
    delete from run_commands x using unnest($10::text[], $11::int[]) as t (run_id, node), written w
    where t.run_id = w.id and x.run_id = t.run_id and x.node = t.node
  ), asked as (
    insert into run_commands (run_id, node, command)
    select t.* from unnest($12::text[], $13::int[], $14::json[]) as t (run_id, node, command)
    join written w on w.id = t.run_id
    on conflict do nothing
  ), tasks as (
    insert into run_tasks (run_id, node, path, name, kind, attempt, status, input, output, error, started_at, ended_at,
      iteration, answer)
    select t.* from unnest($15::text[], $16::int[], $17::text[], $18::text[], $19::text[], $20::int[], $21::text[],
      $22::json[], $23::json[], $24::json[], $25::timestamptz[], $26::timestamptz[], $27::int[], $28::json[])
      as t (run_id, node, path, name, kind, attempt, status, input, output, error, started_at, ended_at, iteration, answer)
    join written w on w.id = t.run_id
    on conflict (run_id, node) do update set status = excluded.status, output = excluded.output, error = excluded.error,
      attempt = excluded.attempt, ended_at = excluded.ended_at, answer = excluded.answer
  )
  select id from written`;

const BORN = `born as (${insertNewRuns(29)})`;

const TEXT = `with ${MOVED}, written as (select id from moved), ${BELONGINGS}`;
const TEXT_WITH_BORN = `with ${MOVED}, ${BORN}, written as (
    select id from moved union all select id from born
  ), ${BELONGINGS}`;

function movedValues(changes: RunChange[], vault: Vault): unknown[] {
  const runs = changes.map(({ run }) => run);
  return [
    texts(runs.map((run) => run.id)),
    ints(runs.map((run) => run.seq)),
    texts(runs.map((run) => run.status)),
    statesOf(runs, vault),
    ints(runs.map((run) => run.jobs)),
    times(runs.map((run) => run.wakeAt)),
    times(runs.map((run) => run.endedAt)),
  ];
}

function inboxValues(changes: readonly RunChange[]): unknown[] {
  const taken = changes.flatMap(({ run, taken }) => taken.map((key) => [run.id, key] as const));
  return [texts(taken.map(([id]) => id)), texts(taken.map(([, key]) => key))];
}

function closedValues(changes: readonly RunChange[]): unknown[] {
  const closed = changes.flatMap(({ run, closed }) => closed.map((node) => [run.id, node] as const));
  return [texts(closed.map(([id]) => id)), ints(closed.map(([, node]) => node))];
}

function askedValues(changes: readonly RunChange[], vault: Vault): unknown[] {
  const asked = changes.flatMap((change) => {
    const again = askedAgain(change);
    const { id: runId, tenant } = change.run;
    return change.commands.filter((one) => !again.includes(one)).map((one) => ({ runId, tenant, ...one }));
  });
  return [
    texts(asked.map((one) => one.runId)),
    ints(asked.map((one) => one.node)),
    jsons(asked.map(({ tenant, runId, node, command }) => vault.json(tenant, ['command', runId, node], command))),
  ];
}

function taskValues(changes: readonly RunChange[], vault: Vault): unknown[] {
  const tasks = changes.flatMap(({ run, tasks }) =>
    tasks.map((one) => ({ runId: run.id, tenant: run.tenant, ...one })),
  );
  const value = (one: (typeof tasks)[number], field: 'input' | 'output' | 'error' | 'answer') =>
    kept(vault, one.tenant, ['task', one.runId, one.node, field], one[field]);
  return [
    texts(tasks.map((one) => one.runId)),
    ints(tasks.map((one) => one.node)),
    texts(tasks.map((one) => one.path)),
    texts(tasks.map((one) => one.name)),
    texts(tasks.map((one) => one.kind)),
    ints(tasks.map((one) => one.attempt)),
    texts(tasks.map((one) => one.status)),
    jsons(tasks.map((one) => value(one, 'input'))),
    jsons(tasks.map((one) => value(one, 'output'))),
    jsons(tasks.map((one) => value(one, 'error'))),
    times(tasks.map((one) => one.startedAt)),
    times(tasks.map((one) => one.endedAt)),
    ints(tasks.map((one) => one.iteration)),
    jsons(tasks.map((one) => value(one, 'answer'))),
  ];
}
