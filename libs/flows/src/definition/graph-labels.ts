import { at, fieldsOf, itemsOf } from './json';
import type { TaskSite } from './sites';

type Describe = (task: TaskSite['task']) => string;

/** What a task does, in a few words below its name. */
export function describeTask({ task, kind }: Pick<TaskSite, 'task' | 'kind'>): string {
  return kind ? WORDS[kind](task) : '';
}

const WORDS: Record<NonNullable<TaskSite['kind']>, Describe> = {
  call(task) {
    const { method, endpoint } = fieldsOf(task['with']);
    const uri = at(endpoint, 'uri') ?? endpoint;
    return words('call', task['call'], task['call'] === 'http' && [method, uri]);
  },
  do: () => 'do',
  emit: (task) => words('emit', at(task, 'emit', 'event', 'with', 'type')),
  for(task) {
    const condition = task['while'] === undefined ? [] : ['while', task['while']];
    return words('for each', at(task, 'for', 'each') ?? 'item', 'in', at(task, 'for', 'in'), condition);
  },
  fork: (task) => (at(task, 'fork', 'compete') === true ? 'fork, the first wins' : 'fork'),
  listen: (task) => words('listen to', strategyOf(at(task, 'listen', 'to'))),
  raise: (task) => words('raise', at(task, 'raise', 'error', 'type') ?? at(task, 'raise', 'error')),
  run(task) {
    const { workflow, script } = fieldsOf(task['run']);
    if (workflow !== undefined)
      return words('run', [at(workflow, 'namespace'), at(workflow, 'name')].join('/'), at(workflow, 'version'));
    if (script !== undefined) return words('run', at(script, 'language'));
    return words('run', Object.keys(fieldsOf(task['run']))[0]);
  },
  set: (task) => words('set', Object.keys(fieldsOf(task['set'])).join(', ')),
  switch: () => 'switch',
  try: () => 'try',
  wait: (task) => words('wait', durationOf(task['wait'])),
};

/** Which errors a catch takes, and on what conditions. */
export function describeCatch(caught: unknown): string {
  const filter = Object.entries(fieldsOf(at(caught, 'errors', 'with'))).map(([key, value]) => words(key, value));
  const conditions = ['when', 'exceptWhen'].map((key) => at(caught, key) !== undefined && [key, at(caught, key)]);
  return words('catch', filter.join(', '), conditions);
}

/** What begins a run. */
export function describeStart(definition: unknown): string {
  const { cron, every, after, on } = fieldsOf(at(definition, 'schedule'));
  return words(
    'start',
    cron !== undefined && ['at', cron],
    every !== undefined && ['every', durationOf(every)],
    after !== undefined && [durationOf(after), 'after the end'],
    on !== undefined && ['on', strategyOf(on)],
  );
}

export function strategyOf(strategy: unknown): string {
  const until = at(strategy, 'until');
  const end = until === undefined ? [] : ['until', typeof until === 'string' ? until : strategyOf(until)];
  for (const how of ['all', 'any']) {
    const filters = itemsOf(at(strategy, how));
    if (at(strategy, how) === undefined) continue;
    return words(filters.length === 0 ? 'every event' : [how, 'of', filters.map(filterOf).join(', ')], end);
  }
  return words(filterOf(at(strategy, 'one')), end);
}

function filterOf(filter: unknown): string {
  const attributes = fieldsOf(at(filter, 'with'));
  return words(attributes['type'] ?? Object.keys(attributes).join(', '));
}

function durationOf(duration: unknown): string {
  if (typeof duration === 'string') return duration;
  return Object.entries(fieldsOf(duration))
    .map(([unit, count]) => words(count, unit))
    .join(' ');
}

/** Joins what is text or a number, also in lists, and leaves out the rest. */
export function words(...parts: unknown[]): string {
  return parts
    .flat<unknown[], 3>(3)
    .filter((part) => (typeof part === 'string' && part !== '') || typeof part === 'number')
    .join(' ');
}
