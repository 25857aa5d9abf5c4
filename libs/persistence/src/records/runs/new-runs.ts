import { ints, jsons, texts, times, uuids } from '../../arrays';
import type { Vault } from '../../vault/vault';
import type { RunRow } from './run-rows';
import { stringifyShared } from './shared-json';

/** Types of {@link newRunValues}, in their order. */
const TYPES =
  'text,text,text,text,text,text,uuid,text,int,text,json,int,timestamptz,text,text,timestamptz,timestamptz'.split(',');

/** Inserts runs that are not there yet, and returns their ids. @param first number of the statement's first parameter for it */
export function insertNewRuns(first: number): string {
  const parameters = TYPES.map((type, index) => `$${first + index}::${type}[]`);
  return `insert into runs (id, tenant, flow, hash, version, route, event_id, parent_run, parent_node, seq, status, state,
      jobs, wake_at, priority, correlation_id, started_at, ended_at)
    select id, tenant, flow, hash, version, route, event_id, parent_run, parent_node, 1, status, state,
      jobs, wake_at, priority, correlation_id, started_at, ended_at
    from unnest(${parameters.join(', ')}) as t (id, tenant, flow, hash, version, route, event_id, parent_run, parent_node,
      status, state, jobs, wake_at, priority, correlation_id, started_at, ended_at)
    on conflict (id) do nothing
    returning id`;
}

export function newRunValues(runs: readonly RunRow[], vault: Vault): Buffer[] {
  return [
    texts(runs.map((run) => run.id)),
    texts(runs.map((run) => run.tenant)),
    texts(runs.map((run) => run.flow)),
    texts(runs.map((run) => run.hash)),
    texts(runs.map((run) => run.version)),
    texts(runs.map((run) => run.route)),
    uuids(runs.map((run) => run.eventId)),
    texts(runs.map((run) => run.parentRun)),
    ints(runs.map((run) => run.parentNode)),
    texts(runs.map((run) => run.status)),
    statesOf(runs, vault),
    ints(runs.map((run) => run.jobs)),
    times(runs.map((run) => run.wakeAt)),
    texts(runs.map((run) => run.priority)),
    texts(runs.map((run) => run.correlationId)),
    times(runs.map((run) => run.startedAt)),
    times(runs.map((run) => run.endedAt)),
  ];
}

/** States of runs, as they are kept. */
export function statesOf(runs: readonly RunRow[], vault: Vault): Buffer {
  return jsons(runs.map(({ tenant, id, state }) => vault.text(tenant, ['run', id], stringifyShared(state))));
}
