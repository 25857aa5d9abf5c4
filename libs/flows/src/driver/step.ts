import { isDeepStrictEqual } from 'node:util';
import { type FlowJob, type Priority, type SpillwayEvent, timeOfId } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import type { InboxRow, Lookup, RunChange, RunRow } from '@spillway/persistence';
import { advance, type Advanced, begin } from '../engine/advance';
import type { CompiledFlow } from '../engine/compiled-flow';
import type { Surroundings } from '../engine/engine';
import { type Restart, restart } from '../engine/restart';
import { type Command, ENDED, type EventPattern, type Happening, type Input, type RunState } from '../engine/state';
import { Tree } from '../engine/tree';
import { lasting } from './lasting';
import { LIFECYCLE } from './lifecycle';
import { lean } from './jobs';
import { lookupsOf } from './lookups';
import { contextsOf, tasksOf } from './rows';

/** State of a run whose first advance is still to be made. */
export interface Unborn extends Beside {
  begin: Json;
  /** It begins in the middle, where another run was. `begin` is the workflow's input as it is then. */
  restart?: Restart;
}

/** What is kept beside the engine's state. */
interface Beside {
  /** From when on it hears events, where that is before it began. Unix milliseconds. */
  since?: number;
  /** A lifecycle event began it: it makes none itself, or they would never end. */
  quiet?: boolean;
  /** W3C: the trace of the event that began it, to which what it does much later is linked. */
  trace?: string;
}

/** State of a run that has begun. */
export type KeptState = RunState & Beside;

export function isUnborn(state: unknown): state is Unborn {
  return typeof state === 'object' && state !== null && 'begin' in state;
}

/** A run that is not there yet, and whose job says how it begins. */
export function newRun(job: FlowJob, now: number): { run: RunRow; inbox: InboxRow[] } | undefined {
  const { run, route, eventId, meta, start } = job;
  if (!start) return undefined;
  return {
    run: {
      id: run.id,
      tenant: meta.tenant,
      flow: run.flow,
      hash: start.hash,
      version: start.version,
      route,
      eventId,
      parentRun: null,
      parentNode: null,
      seq: 0,
      status: 'running',
      state: {
        begin: start.event as unknown as Json,
        since: askedFor(job, now),
        ...(String(start.event.type).startsWith(LIFECYCLE) && { quiet: true }),
        ...(start.event.traceparent && { trace: start.event.traceparent }),
      } satisfies Unborn,
      jobs: 0,
      wakeAt: null,
      priority: meta.priority satisfies Priority,
      correlationId: meta.correlationId,
      startedAt: new Date(now),
      endedAt: null,
    },
    inbox: [],
  };
}

/** A run that several events begin together, the last of them by the job that is being done. */
export function gatheredRun(job: FlowJob, events: readonly SpillwayEvent[], now: number): RunRow {
  const { run } = newRun(job, now)!;
  const isQuiet = events.some(({ type }) => type.startsWith(LIFECYCLE));
  const state = { ...(run.state as Unborn), begin: events as unknown as Json, ...(isQuiet && { quiet: true }) };
  return { ...run, state, wakeAt: new Date(now) };
}

/**
 * A run hears what came after the event that began it, however long its first job waited; a replay hears what came after
 * it was asked for.
 */
function askedFor({ run, route, eventId, meta }: FlowJob, now: number): number {
  const isReplay = run.id.slice(`${eventId}.${route}.`.length).includes('.');
  return Math.min(now, meta.createdAt, (!isReplay && timeOfId(eventId)) || now);
}

/** A suspended run takes orders only; the rest waits until it is resumed. */
export function takable(status: string, inbox: InboxRow[]): InboxRow[] {
  if (status !== 'suspended') return inbox;
  const kindOf = ({ input }: InboxRow) => (input as Input).kind;
  const orders = inbox.filter((row) => ['cancel', 'resume', 'suspend', 'retry'].includes(kindOf(row)));
  const goesOn = orders.some((row) => ['cancel', 'resume'].includes(kindOf(row)));
  return goesOn ? [...orders, ...inbox.filter((row) => !orders.includes(row))] : orders;
}

/** One advance. What came in before a run began is taken right after its beginning. */
export function advanceOf(flow: CompiledFlow, run: RunRow, taken: InboxRow[], around: Surroundings): Advanced {
  const inputs = taken.map(({ input }) => input as Input);
  if (!isUnborn(run.state)) {
    const { next, heard } = run.state as RunState;
    const isNews = (input: Input) => input.kind !== 'event' || !heard?.includes(input.event['id'] as string);
    const advanced = advance(flow, run.state as RunState, inputs.filter(isNews), around);
    return { ...advanced, commands: lasting(advanced.commands, next) };
  }
  const { since, quiet, trace } = run.state;
  const from = run.state.restart;
  const born = from ? restart(flow, run.state.begin, from, around) : begin(flow, inputOf(flow, run), around);
  const beside = { ...(since !== undefined && { since }), ...(quiet && { quiet }), ...(trace && { trace }) };
  Object.assign(born.state, beside satisfies Beside);
  const then =
    inputs.length > 0 ? advance(flow, born.state, inputs, around) : { ...born, commands: [], happenings: [] };
  return {
    ...then,
    commands: lasting([...born.commands, ...then.commands], 0),
    happenings: [...born.happenings, ...then.happenings],
  };
}

/** A flow that events start has the list of them as its input (dsl.md, "Event-driven scheduling"). */
function inputOf({ definition }: CompiledFlow, { state, parentRun }: RunRow): Json {
  const { begin: given } = state as Unborn;
  if (!definition.schedule?.on || parentRun !== null) return given;
  // Several that came together are a list already; an event never is.
  return Array.isArray(given) ? given : [given];
}

/** Whether the run came to its end in this step, and not in one before. */
export function hasJustEnded(happenings: readonly Happening[]): boolean {
  return happenings.some(({ what, task }) => !task && (ENDED as readonly string[]).includes(what));
}

/** What is written of an advance, but for what reaches other runs. */
export function changeOf(run: RunRow, taken: InboxRow[], advanced: Advanced, now: number): RunChange {
  const { commands, happenings, wakeAt } = advanced;
  const { state, heard } = lately(run.state, advanced.state);
  const ended = ENDED.includes(state.status);
  const endedAt = hasJustEnded(happenings) ? new Date(now) : run.endedAt;
  const forgotten = commands.flatMap((one) => (one.kind === 'forget' ? [one.node] : []));
  const listens = listensOf(run, taken, commands, state);
  const moved = listens.flatMap(({ node, moved }) => (moved ? [node] : []));
  return {
    run: {
      ...run,
      status: state.status,
      state,
      jobs: run.jobs + commands.filter(({ kind }) => kind === 'call').length,
      wakeAt: wakeAt === undefined ? null : new Date(wakeAt),
      endedAt: ended ? endedAt : null,
    },
    taken: taken.map(({ key }) => key),
    // Kept until they are answered or made known: what a crash leaves of them is made again.
    commands: commands
      .filter(({ kind }) => kind === 'call' || kind === 'emit' || kind === 'listen')
      .map((command) => ({ node: command.node, command: command.kind === 'call' ? lean(command) : command })),
    closed: [...answered(taken), ...forgotten],
    tasks: tasksOf(happenings, state.input),
    contexts: contextsOf(happenings),
    heard,
    listens: listens.map(({ node, lookups }) => ({ node, lookups, since: sinceOf(run, state) })),
    unlistens: [...forgotten, ...moved],
    deliveries: [],
    children: [],
  };
}

/** So many of the events that a run consumed are in its state: what may be on its way a second time. */
const MOST_HEARD = 64;

/** Events that a run consumed in this step; older ones are in a table, so that its state does not grow with them. */
function lately(before: unknown, state: RunState): { state: RunState; heard: string[] } {
  if (!state.heard) return { state, heard: [] };
  const known = new Set(isUnborn(before) ? [] : (before as RunState).heard);
  const heard = state.heard.filter((id) => !known.has(id));
  if (state.heard.length <= MOST_HEARD) return { state, heard };
  return { state: { ...state, heard: state.heard.slice(-MOST_HEARD) }, heard };
}

/** What tasks are found by that listen since this step, or, where an event has told more (`moved`), in another way. */
function listensOf(
  { state: before }: RunRow,
  taken: InboxRow[],
  commands: readonly Command[],
  after: RunState,
): { node: number; lookups: Lookup[]; moved?: boolean }[] {
  const begun = commands.filter((one) => one.kind === 'listen');
  const hasHeard = taken.some(({ input }) => (input as Input).kind === 'event');
  if (begun.length === 0 && !hasHeard) return [];
  const now = listeningIn(after);
  const listens = begun.map(({ node, filters }) => ({ node, lookups: lookupsOf(now.get(node) ?? filters) }));
  if (!hasHeard || isUnborn(before)) return listens;
  const moved = [...listeningIn(before as RunState)].flatMap(([node, filters]) => {
    const wanted = now.get(node);
    if (!wanted || begun.some((one) => one.node === node)) return [];
    const lookups = lookupsOf(wanted);
    return isDeepStrictEqual(lookups, lookupsOf(filters)) ? [] : [{ node, lookups, moved: true }];
  });
  return [...listens, ...moved];
}

function listeningIn({ root }: RunState): Map<number, EventPattern[]> {
  const found = new Map<number, EventPattern[]>();
  for (const { id, wait } of new Tree(root).active()) if (wait?.for === 'events') found.set(id, wait.filters);
  return found;
}

/** From when on a run hears events. */
export function sinceOf(run: Pick<RunRow, 'startedAt'>, state: unknown): Date {
  const { since } = state as KeptState;
  return since === undefined ? run.startedAt : new Date(since);
}

/** W3C: the trace that a run goes back to. */
export function beganIn({ state }: Pick<RunRow, 'state'>): string | undefined {
  return (state as Partial<Beside> | null)?.trace;
}

function answered(taken: InboxRow[]): number[] {
  return taken.flatMap(({ input }) => {
    const { kind, ...rest } = input as Input;
    return (kind === 'answer' || kind === 'failure') && 'node' in rest ? [rest.node] : [];
  });
}
