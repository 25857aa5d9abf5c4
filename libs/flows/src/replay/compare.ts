import type { Json } from '@spillway/jq';
import type { Happening } from '../engine/state';
import type { Simulated } from '../simulate/simulate';
import { type Change, changesOf } from './changes';
import { type Asked, nameOfTask } from './recorded-world';

/** A run as it went in a recorded world. */
export interface Went extends Simulated {
  asked: Asked[];
}

/** What another version of a flow would have done otherwise. */
export interface Differences {
  end: { before: string; after: string };
  /** How often a task begins, where that is not the same. */
  tasks: { task: string; before: number; after: number }[];
  /** The same tasks, in another order. */
  reordered: boolean;
  calls: {
    changed: { task: string; call: string; changes: Change[] }[];
    added: { task: string; call: string; request: Json }[];
    missing: { task: string; call: string; request: Json }[];
  };
  emitted: Change[];
  output: Change[];
}

export function compare(before: Went, after: Went): Differences {
  const [one, other] = [before, after].map(withoutIds) as [Went, Went];
  const tasks = tasksOf(one.happenings, other.happenings);
  const order = (went: Went) => begunIn(went.happenings).join('\n');
  return {
    end: { before: endOf(one), after: endOf(other) },
    tasks,
    reordered: tasks.length === 0 && order(one) !== order(other),
    calls: callsOf(one.asked, other.asked),
    emitted: changesOf(one.emitted, other.emitted),
    output: changesOf(one.state.output, other.state.output),
  };
}

export function isSame({ end, tasks, reordered, calls, emitted, output }: Differences): boolean {
  const { changed, added, missing } = calls;
  const places = [tasks, changed, added, missing, emitted, output];
  return end.before === end.after && !reordered && places.every((one) => one.length === 0);
}

/** `completed`, `faulted: timeout 408 at pay`. */
export function endOf({ state: { status, error } }: Pick<Simulated, 'state'>): string {
  if (!error || status !== 'faulted') return status;
  const kind = error.type.slice(error.type.lastIndexOf('/') + 1);
  return `${status}: ${kind} ${error.status} at ${error.instance ? nameOfTask(error.instance) : 'the workflow'}`;
}

function tasksOf(before: readonly Happening[], after: readonly Happening[]): Differences['tasks'] {
  const counts = new Map<string, { before: number; after: number }>();
  const count = (names: string[], when: 'before' | 'after') => {
    for (const name of names) {
      const known = counts.get(name) ?? { before: 0, after: 0 };
      known[when] += 1;
      counts.set(name, known);
    }
  };
  count(begunIn(before), 'before');
  count(begunIn(after), 'after');
  return [...counts].filter(([, one]) => one.before !== one.after).map(([task, one]) => ({ task, ...one }));
}

function begunIn(happenings: readonly Happening[]): string[] {
  return happenings.flatMap(({ what, task }) => (what === 'started' && task ? [nameOfTask(task.path)] : []));
}

function callsOf(before: readonly Asked[], after: readonly Asked[]): Differences['calls'] {
  const known = new Map(before.flatMap((one) => (one.recorded ? [[one.recorded.task, one] as const] : [])));
  const result: Differences['calls'] = { changed: [], added: [], missing: [] };
  const met = new Set<Asked>();
  // What has no record was asked for by both, or by one of them only.
  const loose = before.filter(({ recorded }) => !recorded);
  for (const { task, call, request, recorded } of after) {
    const was = recorded
      ? known.get(recorded.task)
      : loose.find((one) => !met.has(one) && one.task === task && one.call === call);
    if (!was) result.added.push({ task, call, request });
    else {
      met.add(was);
      const changes = changesOf(was.request, request);
      if (changes.length > 0) result.changed.push({ task, call, changes });
    }
  }
  for (const one of before) {
    if (!met.has(one)) result.missing.push({ task: one.task, call: one.call, request: one.request });
  }
  return result;
}

/** Ids of emitted events come from the number of their task, which says nothing about what the flow does. */
function withoutIds(went: Went): Went {
  const ids = new Map(went.emitted.map(({ id }, index) => [id as string, `event ${index + 1}`]));
  if (ids.size === 0) return went;
  const text = JSON.stringify({
    state: went.state,
    emitted: went.emitted,
    asked: went.asked.map(({ request }) => request),
  });
  const plain = JSON.parse(
    text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => ids.get(id) ?? id),
  ) as { state: Went['state']; emitted: Went['emitted']; asked: Json[] };
  const asked = went.asked.map((one, index) => ({ ...one, request: plain.asked[index]! }));
  return { ...went, state: plain.state, emitted: plain.emitted, asked };
}
