import type { Pool, PoolClient } from 'pg';
import { ints, jsons, texts, times, uuids } from '../../arrays';
import { inTransaction } from '../../transaction';
import type { Place } from '../../vault/envelope';
import type { Vault } from '../../vault/vault';
import { kept } from './kept-values';
import { indexed } from './lookups';
import { insertNewRuns, newRunValues } from './new-runs';
import type { Delivery, RunChange, RunRow } from './run-rows';
import { askedAgain, stepStatement } from './step-statement';

/**
 * Writes advances of many runs, in one transaction. One whose run has moved on since it was read (or, for a new run, exists
 * already) is left out with all that belongs to it.
 *
 * @returns the ids of the runs that were written
 */
export async function commitChanges(pool: Pool, changes: RunChange[], vault: Vault): Promise<Set<string>> {
  const inOrder = [...changes].sort((a, b) => (a.run.id < b.run.id ? -1 : 1));
  const statement = stepStatement(inOrder, vault);
  const write = async (on: Pick<PoolClient, 'query'>) =>
    new Set((await on.query<{ id: string }>(statement)).rows.map(({ id }) => id));
  if (!inOrder.some(hasMore)) return write(pool);
  return inTransaction(pool, async (client) => {
    const written = await write(client);
    await writeMore(
      client,
      inOrder.filter(({ run }) => written.has(run.id)),
      vault,
    );
    return written;
  });
}

/** Whether there is something beside what most steps write. */
function hasMore(change: RunChange): boolean {
  const { contexts, heard, listens, unlistens, children, deliveries } = change;
  const more: unknown[][] = [contexts, heard, listens, unlistens, children, deliveries, askedAgain(change)];
  return more.some(({ length }) => length > 0);
}

async function writeMore(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  await insertCommands(client, changes, vault);
  await insertContexts(client, changes, vault);
  await insertHeard(client, changes);
  await deleteListens(client, changes);
  await insertListens(client, changes, vault);
  await insertRuns(
    client,
    changes.flatMap(({ children }) => children),
    vault,
  );
  await insertDeliveries(
    client,
    changes.flatMap(({ run, deliveries }) => deliveries.map((one) => ({ ...one, tenant: run.tenant }))),
    vault,
  );
}

export async function insertRuns(client: PoolClient, runs: RunRow[], vault: Vault): Promise<string[]> {
  if (runs.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    name: 'runs-insert',
    text: insertNewRuns(1),
    values: newRunValues(runs, vault),
  });
  return rows.map((row) => row.id);
}

async function deleteListens(client: PoolClient, changes: RunChange[]): Promise<void> {
  const nodes = changes.flatMap(({ run, unlistens }) => unlistens.map((node) => [run.id, node] as const));
  if (nodes.length === 0) return;
  await client.query({
    name: 'runs-unlisten',
    text: `delete from run_listens as x using unnest($1::text[], $2::int[]) as t (run_id, node)
      where x.run_id = t.run_id and x.node = t.node`,
    values: [texts(nodes.map(([id]) => id)), ints(nodes.map(([, node]) => node))],
  });
}

/** What a run asks for again under the node whose command this step closed: it could not be written with the others. */
async function insertCommands(client: PoolClient, changes: RunChange[], vault: Vault): Promise<void> {
  const commands = changes.flatMap((change) =>
    askedAgain(change).map((one) => ({ runId: change.run.id, tenant: change.run.tenant, ...one })),
  );
  if (commands.length === 0) return;
  await client.query({
    name: 'runs-commands',
    text: `insert into run_commands (run_id, node, command)
      select * from unnest($1::text[], $2::int[], $3::json[]) on conflict do nothing`,
    values: [
      texts(commands.map((one) => one.runId)),
      ints(commands.map((one) => one.node)),
      jsons(commands.map(({ tenant, runId, node, command }) => vault.json(tenant, ['command', runId, node], command))),
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
      texts(contexts.map((one) => one.runId)),
      ints(contexts.map((one) => one.node)),
      jsons(contexts.map((one) => kept(vault, one.tenant, ['context', one.runId, one.node], one.context))),
    ],
  });
}

async function insertHeard(client: PoolClient, changes: RunChange[]): Promise<void> {
  const heard = changes.flatMap(({ run, heard }) => heard.filter(isUuid).map((id) => [run.id, id] as const));
  if (heard.length === 0) return;
  await client.query({
    name: 'runs-heard',
    text: `insert into run_heard (run_id, event_id) select * from unnest($1::text[], $2::uuid[]) on conflict do nothing`,
    values: [texts(heard.map(([id]) => id)), uuids(heard.map(([, id]) => id))],
  });
}

/** Events that we took in have such ids. */
const isUuid = (id: string) => /^[0-9a-f-]{36}$/.test(id);

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
      texts(rows.map((row) => row.id)),
      ints(rows.map((row) => row.node)),
      ints(rows.map((row) => row.at)),
      texts(rows.map((row) => row.tenant)),
      times(rows.map((row) => row.since)),
      texts(rows.map((row) => row.type)),
      texts(rows.map((row) => row.recipe)),
      texts(rows.map((row) => row.digest)),
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
      texts(deliveries.map((one) => one.runId)),
      texts(deliveries.map((one) => one.key)),
      jsons(deliveries.map(({ tenant, runId, key, input }) => inboxJson(vault, tenant, ['inbox', runId, key], input))),
    ],
  });
}

/** Queries ask for the kind of what is in an inbox. An order of an operator holds no payload, and names no tenant. */
export function inboxJson(vault: Vault, tenant: string | undefined, place: Place, input: unknown): string {
  const { kind } = input as { kind?: unknown };
  return tenant === undefined ? JSON.stringify(input) : vault.json(tenant, place, input, { kind });
}
