import type { PoolClient } from 'pg';
import type { Place } from '../../vault/envelope';
import type { Vault } from '../../vault/vault';
import { indexed } from './lookups';
import { stringifyShared } from './shared-json';
import type { Delivery, RunChange, RunRow } from './run-rows';

/**
 * Writes advances of many runs in one transaction that the caller opened. One whose run has moved on since it was read
 * (or, for a new run, exists already) is left out with all that belongs to it.
 *
 * @returns the ids of the runs that were written
 */
export async function writeChanges(client: PoolClient, changes: RunChange[], vault: Vault): Promise<Set<string>> {
  const inOrder = [...changes].sort((a, b) => (a.run.id < b.run.id ? -1 : 1));
  const runs = inOrder.map(({ run }) => run);
  const written = new Set([
    ...(await insertRuns(
      client,
      runs.filter(({ seq }) => seq === 0),
      vault,
    )),
    ...(await updateRuns(
      client,
      runs.filter(({ seq }) => seq > 0),
      vault,
    )),
  ]);
  const kept = inOrder.filter(({ run }) => written.has(run.id));
  await deleteInbox(client, kept);
  await deleteNodes(
    client,
    'run_commands',
    nodesOf(kept, ({ closed }) => closed),
  );
  await insertCommands(client, kept, vault);
  await insertTasks(client, kept, vault);
  await insertContexts(client, kept, vault);
  await insertHeard(client, kept);
  await deleteNodes(
    client,
    'run_listens',
    nodesOf(kept, ({ unlistens }) => unlistens),
  );
  await insertListens(client, kept, vault);
  await insertRuns(
    client,
    kept.flatMap(({ children }) => children),
    vault,
  );
  await insertDeliveries(
    client,
    kept.flatMap(({ run, deliveries }) => deliveries.map((one) => ({ ...one, tenant: run.tenant }))),
    vault,
  );
  return written;
}

export async function insertRuns(client: PoolClient, runs: RunRow[], vault: Vault): Promise<string[]> {
  if (runs.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    name: 'runs-insert',
    text: `insert into runs (id, tenant, flow, hash, version, route, event_id, parent_run, parent_node, seq, status, state,
        jobs, wake_at, priority, correlation_id, started_at, ended_at)
      select id, tenant, flow, hash, version, route, event_id, parent_run, parent_node, 1, status, state,
        jobs, wake_at, priority, correlation_id, started_at, ended_at
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::int[],
        $10::text[], $11::json[], $12::int[], $13::timestamptz[], $14::text[], $15::text[], $16::timestamptz[],
        $17::timestamptz[]) as t (id, tenant, flow, hash, version, route, event_id, parent_run, parent_node, status, state,
        jobs, wake_at, priority, correlation_id, started_at, ended_at)
      on conflict (id) do nothing
      returning id`,
    values: [
      runs.map((run) => run.id),
      runs.map((run) => run.tenant),
      runs.map((run) => run.flow),
      runs.map((run) => run.hash),
      runs.map((run) => run.version),
      runs.map((run) => run.route),
      runs.map((run) => run.eventId),
      runs.map((run) => run.parentRun),
      runs.map((run) => run.parentNode),
      runs.map((run) => run.status),
      runs.map(({ tenant, id, state }) => vault.text(tenant, ['run', id], stringifyShared(state))),
      runs.map((run) => run.jobs),
      runs.map((run) => run.wakeAt),
      runs.map((run) => run.priority),
      runs.map((run) => run.correlationId),
      runs.map((run) => run.startedAt),
      runs.map((run) => run.endedAt),
    ],
  });
  return rows.map((row) => row.id);
}

/** Compare and set on `seq`. */
async function updateRuns(client: PoolClient, runs: RunRow[], vault: Vault): Promise<string[]> {
  if (runs.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    name: 'runs-update',
    text: `update runs set seq = runs.seq + 1, status = t.status, state = t.state, jobs = t.jobs, wake_at = t.wake_at,
        ended_at = t.ended_at
      from unnest($1::text[], $2::int[], $3::text[], $4::json[], $5::int[], $6::timestamptz[], $7::timestamptz[])
        as t (id, seq, status, state, jobs, wake_at, ended_at)
      where runs.id = t.id and runs.seq = t.seq
      returning runs.id`,
    values: [
      runs.map((run) => run.id),
      runs.map((run) => run.seq),
      runs.map((run) => run.status),
      runs.map(({ tenant, id, state }) => vault.text(tenant, ['run', id], stringifyShared(state))),
      runs.map((run) => run.jobs),
      runs.map((run) => run.wakeAt),
      runs.map((run) => run.endedAt),
    ],
  });
  return rows.map((row) => row.id);
}

async function deleteInbox(client: PoolClient, changes: RunChange[]): Promise<void> {
  const taken = changes.flatMap(({ run, taken }) => taken.map((key) => [run.id, key] as const));
  if (taken.length === 0) return;
  await client.query({
    name: 'runs-inbox-taken',
    text: `delete from run_inbox using unnest($1::text[], $2::text[]) as t (run_id, key)
      where run_inbox.run_id = t.run_id and run_inbox.key = t.key`,
    values: [taken.map(([id]) => id), taken.map(([, key]) => key)],
  });
}

type NodeRef = readonly [runId: string, node: number];

function nodesOf(changes: RunChange[], nodes: (change: RunChange) => number[]): NodeRef[] {
  return changes.flatMap((change) => nodes(change).map((node) => [change.run.id, node] as const));
}

async function deleteNodes(client: PoolClient, table: 'run_commands' | 'run_listens', nodes: NodeRef[]): Promise<void> {
  if (nodes.length === 0) return;
  await client.query({
    name: `runs-${table}-closed`,
    text: `delete from ${table} as x using unnest($1::text[], $2::int[]) as t (run_id, node)
      where x.run_id = t.run_id and x.node = t.node`,
    values: [nodes.map(([id]) => id), nodes.map(([, node]) => node)],
  });
}

async function insertCommands(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  const commands = changes.flatMap(({ run, commands }) =>
    commands.map((one) => ({ runId: run.id, tenant: run.tenant, ...one })),
  );
  if (commands.length === 0) return;
  await client.query({
    name: 'runs-commands',
    text: `insert into run_commands (run_id, node, command)
      select * from unnest($1::text[], $2::int[], $3::json[]) on conflict do nothing`,
    values: [
      commands.map((one) => one.runId),
      commands.map((one) => one.node),
      commands.map(({ tenant, runId, node, command }) => vault.json(tenant, ['command', runId, node], command)),
    ],
  });
}

async function insertTasks(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  const tasks = changes.flatMap(({ run, tasks }) =>
    tasks.map((one) => ({ runId: run.id, tenant: run.tenant, ...one })),
  );
  if (tasks.length === 0) return;
  const value = (one: (typeof tasks)[number], field: 'input' | 'output' | 'error' | 'answer') =>
    json(vault, one.tenant, ['task', one.runId, one.node, field], one[field]);
  await client.query({
    name: 'runs-tasks',
    text: `insert into run_tasks (run_id, node, path, name, kind, attempt, status, input, output, error, started_at, ended_at,
        iteration, answer)
      select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::json[],
        $9::json[], $10::json[], $11::timestamptz[], $12::timestamptz[], $13::int[], $14::json[])
      on conflict (run_id, node) do update set status = excluded.status, output = excluded.output, error = excluded.error,
        attempt = excluded.attempt, ended_at = excluded.ended_at, answer = excluded.answer`,
    values: [
      tasks.map((one) => one.runId),
      tasks.map((one) => one.node),
      tasks.map((one) => one.path),
      tasks.map((one) => one.name),
      tasks.map((one) => one.kind),
      tasks.map((one) => one.attempt ?? null),
      tasks.map((one) => one.status),
      tasks.map((one) => value(one, 'input')),
      tasks.map((one) => value(one, 'output')),
      tasks.map((one) => value(one, 'error')),
      tasks.map((one) => one.startedAt),
      tasks.map((one) => one.endedAt),
      tasks.map((one) => one.iteration ?? null),
      tasks.map((one) => value(one, 'answer')),
    ],
  });
}

async function insertContexts(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  const contexts = changes.flatMap(({ run, contexts }) =>
    contexts.map((one) => ({ runId: run.id, tenant: run.tenant, ...one })),
  );
  if (contexts.length === 0) return;
  await client.query({
    name: 'runs-contexts',
    text: `insert into run_contexts (run_id, node, context) select * from unnest($1::text[], $2::int[], $3::json[])
      on conflict do nothing`,
    values: [
      contexts.map((one) => one.runId),
      contexts.map((one) => one.node),
      contexts.map((one) => json(vault, one.tenant, ['context', one.runId, one.node], one.context)),
    ],
  });
}

async function insertHeard(client: PoolClient, changes: RunChange[]): Promise<void> {
  const heard = changes.flatMap(({ run, heard }) => heard.filter(isUuid).map((id) => [run.id, id] as const));
  if (heard.length === 0) return;
  await client.query({
    name: 'runs-heard',
    text: `insert into run_heard (run_id, event_id) select * from unnest($1::text[], $2::uuid[]) on conflict do nothing`,
    values: [heard.map(([id]) => id), heard.map(([, id]) => id)],
  });
}

/** Events that we took in have such ids. */
const isUuid = (id: string) => /^[0-9a-f-]{36}$/.test(id);

function json(vault: Vault, tenant: string, place: Place, value: unknown): string | null {
  return value === undefined ? null : vault.text(tenant, place, kept(JSON.stringify(value)), value);
}

/** What a timeline keeps of a value, in characters of JSON: a loop over a large list would keep it once an iteration. */
const MOST_CHARACTERS = 32_768;

function kept(json: string): string {
  if (json.length <= MOST_CHARACTERS) return json;
  return JSON.stringify({ truncated: true, characters: json.length, begin: json.slice(0, 1_000) });
}

/** Whether a timeline has the beginning of a value only. */
export function isTrimmed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { truncated, characters, begin } = value as Record<string, unknown>;
  return truncated === true && Number(characters) > MOST_CHARACTERS && typeof begin === 'string';
}

async function insertListens(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  const rows = changes.flatMap(({ run, listens }) =>
    listens.flatMap(({ node, lookups, since }) =>
      lookups.map((lookup, at) => ({
        id: run.id,
        node,
        at,
        tenant: run.tenant,
        since,
        ...indexed(vault, run.tenant, lookup),
      })),
    ),
  );
  if (rows.length === 0) return;
  await client.query({
    name: 'runs-listen',
    text: `insert into run_listens (run_id, node, filter, tenant, since, type, recipe, digest)
      select * from unnest($1::text[], $2::int[], $3::int[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
      on conflict do nothing`,
    values: [
      rows.map((row) => row.id),
      rows.map((row) => row.node),
      rows.map((row) => row.at),
      rows.map((row) => row.tenant),
      rows.map((row) => row.since),
      rows.map((row) => row.type),
      rows.map((row) => row.recipe),
      rows.map((row) => row.digest),
    ],
  });
}

/** The first delivery under a key stands; what is for a run that is not there is nobody's. */
export async function insertDeliveries(
  client: Pick<PoolClient, 'query'>,
  unsorted: readonly Delivery[],
  vault: Vault,
): Promise<void> {
  if (unsorted.length === 0) return;
  // In one order, so that two who deliver the same do not wait for each other.
  const deliveries = [...unsorted].sort((a, b) => (a.runId + a.key < b.runId + b.key ? -1 : 1));
  await client.query({
    name: 'runs-deliver',
    text: `insert into run_inbox (run_id, key, input)
      select t.* from unnest($1::text[], $2::text[], $3::json[]) as t (run_id, key, input)
      where exists (select from runs where runs.id = t.run_id)
      on conflict do nothing`,
    values: [
      deliveries.map((one) => one.runId),
      deliveries.map((one) => one.key),
      deliveries.map(({ tenant, runId, key, input }) => inboxJson(vault, tenant, ['inbox', runId, key], input)),
    ],
  });
}

/** Queries ask for the kind of what is in an inbox. An order of an operator holds no payload, and names no tenant. */
export function inboxJson(vault: Vault, tenant: string | undefined, place: Place, input: unknown): string {
  const { kind } = input as { kind?: unknown };
  return tenant === undefined ? JSON.stringify(input) : vault.json(tenant, place, input, { kind });
}
