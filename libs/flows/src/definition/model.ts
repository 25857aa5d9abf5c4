/**
 * The Serverless Workflow DSL 1.0.3 as TypeScript types, as far as Spillway runs it: what `schema/workflow.yaml` of
 * the specification says, with the names of its reference. A value that may be an expression is a string.
 */

export interface FlowDefinition {
  document: { dsl: string; namespace: string; name: string; version: string; [more: string]: unknown };
  input?: InputModel;
  use?: Components;
  do: TaskList;
  timeout?: Timeout | string;
  output?: OutputModel;
  schedule?: ScheduleModel;
}

/** Each item has one key: the task's name. */
export type TaskList = Record<string, TaskDefinition>[];

export interface TaskBase {
  if?: string;
  input?: InputModel;
  output?: OutputModel;
  export?: OutputModel;
  timeout?: Timeout | string;
  then?: FlowDirective;
  metadata?: Record<string, unknown>;
}

/** `continue`, `exit`, `end`, or the name of a task of the same list. */
export type FlowDirective = string;
/** A jq expression in `${ }`, or any JSON whose strings may be such expressions. */
export type Template = unknown;

export interface CallTask extends TaskBase {
  /** `http`, `openapi`, `grpc`, `asyncapi`, `mcp`, `a2a`, or a function's name, `name:version@catalog` or URL. */
  call: string;
  with?: Record<string, Template>;
}
export interface DoTask extends TaskBase {
  do: TaskList;
}
export interface EmitTask extends TaskBase {
  emit: { event: { with: Record<string, Template> } };
}
export interface ForTask extends TaskBase {
  for: { each?: string; in: string; at?: string };
  while?: string;
  do: TaskList;
}
export interface ForkTask extends TaskBase {
  fork: { branches: TaskList; compete?: boolean };
}
export interface ListenTask extends TaskBase {
  listen: { to: EventStrategy; read?: 'data' | 'envelope' | 'raw' };
  foreach?: SubscriptionIterator;
}
export interface RaiseTask extends TaskBase {
  raise: { error: ErrorModel | string };
}
export interface RunTask extends TaskBase {
  run: {
    await?: boolean;
    return?: 'stdout' | 'stderr' | 'code' | 'all' | 'none';
    workflow?: { namespace: string; name: string; version: string; input?: Template };
    script?: ScriptModel;
    container?: unknown;
    shell?: unknown;
  };
}
export interface SetTask extends TaskBase {
  set: Template;
}
export interface SwitchTask extends TaskBase {
  switch: Record<string, { when?: string; then: FlowDirective }>[];
}
export interface TryTask extends TaskBase {
  try: TaskList;
  catch: CatchModel;
}
export interface WaitTask extends TaskBase {
  wait: DurationModel;
}

export type TaskDefinition =
  | CallTask
  | DoTask
  | EmitTask
  | ForTask
  | ForkTask
  | ListenTask
  | RaiseTask
  | RunTask
  | SetTask
  | SwitchTask
  | TryTask
  | WaitTask;

export const TASK_KINDS = [
  'call',
  'fork',
  'emit',
  'for',
  'listen',
  'raise',
  'run',
  'set',
  'switch',
  'try',
  'wait',
  'do',
] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** `for` has a `do` too, which is why `do` is looked for last. @throws TypeError for something that is no task */
export function kindOf(task: TaskDefinition): TaskKind {
  const kind = TASK_KINDS.find((key) => Object.hasOwn(task, key));
  if (!kind) throw new TypeError(`not a task: it has none of ${TASK_KINDS.join(', ')}`);
  return kind;
}

/** The name and the task of an item of a task list. */
export function entryOf(item: Record<string, TaskDefinition>): [name: string, task: TaskDefinition] {
  return Object.entries(item)[0]!;
}

export interface InputModel {
  schema?: SchemaModel;
  from?: Template;
}
export interface OutputModel {
  schema?: SchemaModel;
  as?: Template;
}
export interface SchemaModel {
  format?: string;
  document?: unknown;
  resource?: ExternalResource;
}

/** ISO 8601, an expression, or parts. */
export type DurationModel =
  string | { days?: number; hours?: number; minutes?: number; seconds?: number; milliseconds?: number };
export interface Timeout {
  after: DurationModel;
}

export interface ErrorModel {
  type: string;
  status: number | string;
  title?: string;
  detail?: string;
  instance?: string;
}

export interface CatchModel {
  errors?: { with?: { type?: string; status?: number; instance?: string; title?: string; details?: string } };
  as?: string;
  when?: string;
  exceptWhen?: string;
  retry?: RetryPolicy | string;
  do?: TaskList;
  then?: FlowDirective;
}

export interface RetryPolicy {
  when?: string;
  exceptWhen?: string;
  delay?: DurationModel;
  backoff?: { constant?: object; exponential?: object; linear?: object };
  limit?: { attempt?: { count?: number; duration?: DurationModel }; duration?: DurationModel };
  jitter?: { from: DurationModel; to: DurationModel };
}

/** Exactly one of `one`, `any` and `all`; `until` (a condition or a strategy) goes with `any` only. */
export interface EventStrategy {
  one?: EventFilter;
  any?: EventFilter[];
  all?: EventFilter[];
  until?: string | EventStrategy;
}
export interface EventFilter {
  /** Attributes of the event: literal, a regular expression, or an expression; `data` an expression. */
  with: Record<string, unknown>;
  correlate?: Record<string, { from: string; expect?: string }>;
}
export interface SubscriptionIterator {
  item?: string;
  at?: string;
  do?: TaskList;
  output?: OutputModel;
  export?: OutputModel;
}

export interface ScriptModel {
  language: string;
  code?: string;
  source?: ExternalResource;
  arguments?: Template;
  stdin?: string;
  environment?: Record<string, Template>;
}

export interface ScheduleModel {
  every?: DurationModel;
  cron?: string;
  after?: DurationModel;
  on?: EventStrategy;
}

export type Endpoint = string | { uri: string; authentication?: AuthenticationPolicy | { use: string } };
export interface ExternalResource {
  name?: string;
  endpoint: Endpoint;
}

/** Exactly one of these; each may be `{ use: SECRET }` in place of its properties. */
export interface AuthenticationPolicy {
  basic?: { username: string; password: string } | { use: string };
  bearer?: { token: string } | { use: string };
  digest?: { username: string; password: string } | { use: string };
  oauth2?: OAuth2Policy | { use: string };
  oidc?: OAuth2Policy | { use: string };
}
export interface OAuth2Policy {
  authority?: string;
  grant?: string;
  client?: { id?: string; secret?: string; assertion?: string; authentication?: string };
  request?: { encoding?: string };
  issuers?: string[];
  scopes?: string[];
  audiences?: string[];
  username?: string;
  password?: string;
  subject?: { token: string; type: string };
  actor?: { token: string; type: string };
  endpoints?: { token?: string; revocation?: string; introspection?: string };
}

export interface Extension {
  extend: string;
  when?: string;
  before?: TaskList;
  after?: TaskList;
}

export interface Components {
  authentications?: Record<string, AuthenticationPolicy>;
  errors?: Record<string, ErrorModel>;
  extensions?: Record<string, Extension>[];
  functions?: Record<string, TaskDefinition>;
  retries?: Record<string, RetryPolicy>;
  secrets?: string[];
  timeouts?: Record<string, Timeout>;
  catalogs?: Record<string, { endpoint: Endpoint }>;
}
