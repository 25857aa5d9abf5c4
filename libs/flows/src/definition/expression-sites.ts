import { at, type Fields, fieldsOf, isFields, itemsOf } from './json';
import { pointerTo } from './pointer';
import { caughtAs, iteratorVariables, loopVariables, type Sites, type TaskSite } from './sites';

/** A place where the language allows jq. */
export interface ExpressionSite {
  path: string;
  value: unknown;
  /** An expression may stand without `${ }`; in a template it may not. */
  form: 'expression' | 'template';
  /** Names of loops, catches and subscriptions around it. */
  variables: string[];
  /** Of the arguments that every expression may name, those with a value here. */
  available: readonly string[];
  /** Whether its result is kept in the run. */
  stored?: boolean;
}

// dsl.md, the table under "Runtime expression arguments".
const WORKFLOW_INPUT = ['secrets', 'workflow', 'runtime'];
const WORKFLOW_OUTPUT = ['context', ...WORKFLOW_INPUT];
const BEFORE_TASK = ['context', 'secrets', 'task', 'workflow', 'runtime'];
const IN_TASK = ['context', 'input', 'secrets', 'task', 'workflow', 'runtime', 'authorization'];
const EXPORT = [...IN_TASK, 'output'];

type Add = (keys: (string | number)[], form: ExpressionSite['form'], more?: Partial<ExpressionSite>) => void;

/** Every place of a definition where the language allows jq. */
export function expressionSitesOf(definition: unknown, { tasks }: Sites): ExpressionSite[] {
  const found: ExpressionSite[] = [];
  const add = adder(found, definition, '', []);
  addTransform(add, ['input', 'from'], definition, WORKFLOW_INPUT);
  addTransform(add, ['output', 'as'], definition, WORKFLOW_OUTPUT);
  add(['timeout', 'after'], 'template', { available: WORKFLOW_INPUT });
  addStrategy(add, at(definition, 'schedule', 'on'), ['schedule', 'on'], WORKFLOW_INPUT);
  addComponents(add, definition, tasks);
  for (const site of tasks) addTask(adder(found, site.task, site.path, site.variables), site);
  return found.filter(({ value }) => value !== undefined);
}

function adder(found: ExpressionSite[], root: unknown, path: string, around: string[]): Add {
  return (keys, form, { variables = [], ...more } = {}) =>
    found.push({
      path: pointerTo(path, ...keys),
      value: under(root, keys),
      form,
      variables: [...around, ...variables],
      available: IN_TASK,
      ...more,
    });
}

function under(root: unknown, keys: (string | number)[]): unknown {
  return keys.reduce(
    (value, key) => (Array.isArray(value) ? (value[Number(key)] as unknown) : at(value, String(key))),
    root,
  );
}

/** Text is an expression, an object a template. */
function addTransform(add: Add, keys: string[], root: unknown, available: string[], variables: string[] = []): void {
  const form = typeof at(root, ...keys) === 'string' ? 'expression' : 'template';
  add(keys, form, { available, variables, stored: true });
}

function addComponents(add: Add, definition: unknown, tasks: TaskSite[]): void {
  const use = fieldsOf(at(definition, 'use'));
  for (const name of Object.keys(fieldsOf(use['authentications']))) add(['use', 'authentications', name], 'template');
  for (const name of Object.keys(fieldsOf(use['errors']))) add(['use', 'errors', name], 'template');
  for (const name of Object.keys(fieldsOf(use['timeouts']))) add(['use', 'timeouts', name, 'after'], 'template');
  for (const name of Object.keys(fieldsOf(use['catalogs']))) add(['use', 'catalogs', name, 'endpoint'], 'template');
  const users = Map.groupBy(tasks, ({ task }) => at(task, 'catch', 'retry'));
  for (const [name, policy] of Object.entries(fieldsOf(use['retries']))) {
    const variables = users.get(name)?.map(({ task }) => caughtAs(task)) ?? ['error'];
    addRetry(add, policy, ['use', 'retries', name], variables);
  }
  for (const [index, item] of itemsOf(use['extensions']).entries()) {
    for (const name of Object.keys(fieldsOf(item))) add(['use', 'extensions', index, name, 'when'], 'expression');
  }
}

function addTask(add: Add, { task, kind }: TaskSite): void {
  add(['if'], 'expression', { available: BEFORE_TASK });
  addTransform(add, ['input', 'from'], task, BEFORE_TASK);
  addTransform(add, ['output', 'as'], task, IN_TASK);
  addTransform(add, ['export', 'as'], task, EXPORT);
  add(['timeout', 'after'], 'template');
  add(['metadata', 'idempotencyKey'], 'template');
  if (kind) KINDS[kind]?.(add, task);
}

const KINDS: Partial<Record<string, (add: Add, task: Fields) => void>> = {
  call: addCall,
  emit: (add) => add(['emit', 'event', 'with'], 'template', { stored: true }),
  for(add, task) {
    add(['for', 'in'], 'expression');
    add(['while'], 'expression', { variables: loopVariables(task) });
  },
  listen(add, task) {
    addStrategy(add, at(task, 'listen', 'to'), ['listen', 'to'], IN_TASK);
    addIterator(add, task, ['foreach']);
  },
  raise(add, task) {
    if (isFields(at(task, 'raise', 'error'))) add(['raise', 'error'], 'template');
  },
  run(add) {
    add(['run', 'workflow', 'input'], 'template');
    // `code` is JavaScript, whose own `${ }` are not ours.
    for (const key of ['source', 'stdin', 'arguments', 'environment']) add(['run', 'script', key], 'template');
  },
  set: (add) => add(['set'], 'template', { stored: true }),
  switch(add, task) {
    for (const [index, item] of itemsOf(task['switch']).entries()) {
      for (const name of Object.keys(fieldsOf(item))) add(['switch', index, name, 'when'], 'expression');
    }
  },
  try(add, task) {
    const variables = [caughtAs(task)];
    add(['catch', 'when'], 'expression', { variables });
    add(['catch', 'exceptWhen'], 'expression', { variables });
    addRetry(add, at(task, 'catch', 'retry'), ['catch', 'retry'], variables);
  },
  wait: (add) => add(['wait'], 'template'),
};

function addCall(add: Add, task: Fields): void {
  if (task['call'] !== 'asyncapi') return add(['with'], 'template');
  for (const key of Object.keys(fieldsOf(task['with']))) if (key !== 'subscription') add(['with', key], 'template');
  const subscription = ['with', 'subscription'];
  // Worked out by the worker for each message, with what the run gives it: no secrets.
  const available = IN_TASK.filter((name) => name !== 'secrets');
  add([...subscription, 'filter'], 'expression', { available });
  for (const key of ['while', 'until']) add([...subscription, 'consume', key], 'expression', { available });
  add([...subscription, 'consume', 'for'], 'template');
  addIterator(add, task, [...subscription, 'foreach']);
}

function addIterator(add: Add, task: Fields, keys: string[]): void {
  const variables = iteratorVariables(at(task, ...keys));
  addTransform(add, [...keys, 'output', 'as'], task, IN_TASK, variables);
  addTransform(add, [...keys, 'export', 'as'], task, EXPORT, variables);
}

function addRetry(add: Add, policy: unknown, keys: string[], variables: string[]): void {
  if (!isFields(policy)) return;
  for (const key of ['when', 'exceptWhen']) add([...keys, key], 'expression', { variables });
  for (const key of ['delay', 'limit', 'jitter']) add([...keys, key], 'template', { variables });
}

function addStrategy(add: Add, strategy: unknown, keys: (string | number)[], available: string[]): void {
  if (!isFields(strategy)) return;
  const filters = [
    { keys: [...keys, 'one'], filter: strategy['one'] },
    ...['any', 'all'].flatMap((how) =>
      itemsOf(strategy[how]).map((filter, index) => ({ keys: [...keys, how, index], filter })),
    ),
  ];
  for (const one of filters) {
    add([...one.keys, 'with'], 'template', { available });
    for (const name of Object.keys(fieldsOf(at(one.filter, 'correlate')))) {
      add([...one.keys, 'correlate', name, 'from'], 'expression', { available });
      add([...one.keys, 'correlate', name, 'expect'], 'template', { available });
    }
  }
  if (typeof strategy['until'] === 'string') add([...keys, 'until'], 'expression', { available });
  else addStrategy(add, strategy['until'], [...keys, 'until'], available);
}
