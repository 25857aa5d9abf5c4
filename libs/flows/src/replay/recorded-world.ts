import { compileTemplate, type Json } from '@spillway/jq';
import { segmentsOf } from '../definition/pointer';
import { Fault } from '../engine/errors';
import type { CallCommand, Command, FlowError } from '../engine/state';
import type { World } from '../simulate/simulate';

type RunCommand = Extract<Command, { kind: 'run' }>;
type Event = { [attribute: string]: Json };

/** What a run kept of a task that asked the world for something. */
export interface RecordedTask {
  path: string;
  status: string;
  /** Before `output.as`. */
  answer: Json;
  /** The answer was too large to be kept whole. */
  trimmed?: boolean;
  error?: FlowError;
  tookMs: number;
}

/** A call as it was asked for. */
export interface Asked {
  path: string;
  /** Names of the tasks from the outermost to this one: what stays the same when tasks are put before it. */
  task: string;
  /** `http`, `crm.find`, `run NAMESPACE/NAME`. */
  call: string;
  request: Json;
  recorded?: Recorded;
}

interface Recorded {
  task: RecordedTask;
  /** Of the run as it was. */
  asked?: Asked;
}

export interface WorldOptions {
  runId: string;
  /** Unix milliseconds. */
  startedAt: number;
  /** What is answered where there is no record. */
  fallback: Json;
  events: { at: number; event: Event }[];
}

/**
 * A world that answers as it answered a past run: the n-th call of a task as the n-th of that task then; a call of a task
 * of another name as one that asked for the same; any other with what the caller chose.
 */
export class RecordedWorld implements World {
  readonly runId: string;
  readonly startedAt: number;
  readonly timed: World['timed'];
  readonly asked: Asked[] = [];
  private readonly byNode = new Map<number, Asked>();
  private readonly free: Recorded[];

  /** @param before calls of the run as it was, from the world in which it was run again */
  constructor(
    tasks: readonly RecordedTask[],
    private readonly options: WorldOptions,
    before: readonly Asked[] = [],
  ) {
    this.runId = options.runId;
    this.startedAt = options.startedAt;
    this.timed = options.events;
    const asked = new Map(before.map((one) => [one.recorded?.task, one]));
    this.free = tasks.map((task) => ({ task, asked: asked.get(task) }));
  }

  call(command: CallCommand): Json {
    return this.answer(this.ask(command));
  }

  run(command: RunCommand): Json {
    const asked = this.ask(command);
    return command.wait ? this.answer(asked) : null;
  }

  takesMs(command: CallCommand | RunCommand): number {
    const { recorded } = this.ask(command);
    if (!recorded || (command.kind === 'run' && !command.wait)) return 0;
    // Nobody knows what would have come; it did not come while anybody waited.
    return recorded.task.status === 'cancelled' ? Infinity : recorded.task.tookMs;
  }

  private ask(command: CallCommand | RunCommand): Asked {
    const known = this.byNode.get(command.node);
    if (known) return known;
    const { path } = command;
    const asked: Asked = { path, task: nameOfTask(path), call: calledBy(command), request: requestOf(command) };
    asked.recorded = this.take(asked);
    this.byNode.set(command.node, asked);
    this.asked.push(asked);
    return asked;
  }

  private take({ task, call, request }: Asked): Recorded | undefined {
    const isCall = (one: Recorded) => one.asked === undefined || one.asked.call === call;
    const text = JSON.stringify(request);
    let index = this.free.findIndex((one) => nameOfTask(one.task.path) === task && isCall(one));
    if (index < 0) {
      index = this.free.findIndex((one) => one.asked?.call === call && JSON.stringify(one.asked.request) === text);
    }
    return index < 0 ? undefined : this.free.splice(index, 1)[0];
  }

  private answer({ recorded }: Asked): Json {
    if (!recorded || recorded.task.trimmed) return this.options.fallback;
    const { error, answer, path } = recorded.task;
    if (!error) return answer;
    // The task may stand elsewhere now.
    const { instance, ...rest } = error;
    throw new Fault(instance === undefined || instance === path ? rest : error);
  }
}

/** `/do/2/pay` → `pay`; `/do/1/each/do/0/pack` → `each/pack`. */
export function nameOfTask(path: string): string {
  const keys = segmentsOf(path);
  return keys
    .filter((key, index) => !isIndex(key) && !(keys[index + 1] !== undefined && isIndex(keys[index + 1]!)))
    .join('/');
}

const isIndex = (key: string) => /^\d+$/.test(key);

function calledBy(command: CallCommand | RunCommand): string {
  return command.kind === 'call' ? command.call : `run ${command.namespace}/${command.name}`;
}

function requestOf(command: CallCommand | RunCommand): Json {
  if (command.kind === 'run') return { input: command.input, version: command.version };
  const { variables, input, idempotencyKey } = command;
  let args = command.with;
  if (variables) {
    // What names secrets is worked out with their names in their place.
    const secrets = Object.fromEntries(secretsNamed(args).map((name) => [name, `$secrets.${name}`]));
    const all = { ...variables, secrets };
    try {
      args = compileTemplate(args, { variables: Object.keys(all) }).render(input, all);
    } catch {
      // The template itself tells as much.
    }
  }
  return idempotencyKey === undefined ? args : { with: args, idempotencyKey };
}

function secretsNamed(value: Json): string[] {
  return [...JSON.stringify(value).matchAll(/\$secrets\.(\w+)/g)].map(([, name]) => name!);
}
