import type { Json } from '@spillway/jq';
import { advance, begin } from '../engine/advance';
import type { CompiledFlow } from '../engine/compiled-flow';
import { Fault } from '../engine/errors';
import { type Restart, restart } from '../engine/restart';
import {
  type CallCommand,
  type Command,
  ENDED,
  type Happening,
  type Input,
  type Node,
  type RunState,
} from '../engine/state';

type Event = { [attribute: string]: Json };
type RunCommand = Extract<Command, { kind: 'run' }>;

/** Stands in for the world of a simulated run. */
export interface World {
  /** Answers a call; a thrown Fault is its failure. */
  call(command: CallCommand): Json | Promise<Json>;
  /** Answers a sub-run. */
  run?(command: RunCommand): Json | Promise<Json>;
  /** Milliseconds until the answer is there. 0 without it; infinity is an answer that never comes. */
  takesMs?(command: CallCommand | RunCommand): number;
  /** Events that come while the run listens and nothing else is to be done, in this order. */
  events?: Event[];
  /** Events that come at their time, whatever the run does then: it hears them when it listens, also afterwards. */
  timed?: { at: number; event: Event }[];
  /** Unix milliseconds. */
  startedAt?: number;
  runId?: string;
  random?: () => number;
  /** The run begins in the middle. */
  from?: Restart;
}

export interface Simulated {
  state: RunState;
  happenings: Happening[];
  emitted: Event[];
  calls: CallCommand[];
  /** Milliseconds that would have passed in waiting. */
  tookMs: number;
}

/** Advances of one simulated run; one that needs more never ends. */
const MOST_ADVANCES = 10_000;
/** The same for advances in a row in which nothing comes from outside: 2,000 inline steps each. */
const MOST_BUSY = 100;

/**
 * Runs a flow to its end, or until it waits for what never comes, without queues, database or clock: time jumps to the
 * next deadline or answer whenever there is nothing else to do.
 *
 * @throws RangeError for a run that does not come to an end
 * @example
 * const flow = new CompiledFlow(parseFlow(text).definition);
 * const { state } = await simulate(flow, { id: 7 }, { call: () => ({ name: 'Rex' }) });
 * state.output;
 */
export async function simulate(flow: CompiledFlow, input: Json, world: World): Promise<Simulated> {
  const startedAt = world.startedAt ?? Date.now();
  let now = startedAt;
  const around = () => ({ run: { id: world.runId ?? 'simulated' }, now, random: world.random ?? (() => 0.5) });
  const result: Simulated = { state: undefined as never, happenings: [], emitted: [], calls: [], tookMs: 0 };
  const events = [...(world.events ?? [])];
  const timed = new TimedEvents(world.timed ?? []);
  let answers: Answer[] = [];
  let busy = 0;
  let step = world.from ? restart(flow, input, world.from, around()) : begin(flow, input, around());
  for (let count = 0; ; count += 1) {
    result.state = step.state;
    result.happenings.push(...step.happenings);
    const off = new Set(step.commands.flatMap(({ kind, node }) => (kind === 'forget' ? [node] : [])));
    // What is asked and called off in one step is never asked, and nobody waits for what is called off later.
    const asked = step.commands.filter(({ node }) => !off.has(node));
    answers = answers.filter(({ node }) => !off.has(node));
    answers.push(...(await answersTo(asked, world, result, now)));
    if (ENDED.includes(step.state.status)) break;
    busy = step.state.agenda.length > 0 ? busy + 1 : 0;
    if (count === MOST_ADVANCES || busy === MOST_BUSY) {
      throw new RangeError(`the run did not end within ${count} advances: does it go round in circles?`);
    }
    if (asked.some(({ kind }) => kind === 'listen')) timed.again();
    const isIdle = () =>
      !answers.some(({ at }) => at <= now) &&
      !(step.wakeAt !== undefined && step.wakeAt <= now) &&
      !(listens() && timed.next() <= now);
    const listens = () => isListening(step.state.root);
    if (isIdle() && events.length > 0 && listens()) {
      step = advance(flow, step.state, [{ kind: 'event', event: events.shift()! }], around());
      continue;
    }
    const coming = listens() ? timed.next() : Infinity;
    const next = isIdle() ? Math.min(step.wakeAt ?? Infinity, coming, ...answers.map(({ at }) => at)) : now;
    if (next === Infinity) break;
    now = next;
    const due = answers.filter(({ at }) => at <= now);
    answers = answers.filter((answer) => !due.includes(answer));
    const heard = listens() ? timed.until(now, step.state.heard) : [];
    const inputs: Input[] = [
      ...due.map((one) => one.input),
      ...heard.map((event) => ({ kind: 'event' as const, event })),
    ];
    step = advance(flow, step.state, inputs, around());
  }
  result.tookMs = now - startedAt;
  return result;
}

/** Events by their time. Who begins to listen hears those before again that the run has not consumed. */
class TimedEvents {
  private taken = 0;

  constructor(private readonly events: { at: number; event: Event }[]) {}

  /** When the next one comes. */
  next(): number {
    return this.events[this.taken]?.at ?? Infinity;
  }

  again(): void {
    this.taken = 0;
  }

  until(now: number, heard: readonly string[] = []): Event[] {
    const from = this.taken;
    while (this.next() <= now) this.taken += 1;
    const came = this.events.slice(from, this.taken).map(({ event }) => event);
    return came.filter(({ id }) => typeof id !== 'string' || !heard.includes(id));
  }
}

interface Answer {
  node: number;
  /** Unix milliseconds. */
  at: number;
  input: Input;
}

async function answersTo(commands: Command[], world: World, result: Simulated, now: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const command of commands) {
    if (command.kind === 'emit') result.emitted.push(command.event);
    if (command.kind !== 'call' && command.kind !== 'run') continue;
    if (command.kind === 'call') result.calls.push(command);
    const at = now + (world.takesMs?.(command) ?? 0);
    answers.push({ node: command.node, at, input: await answerTo(command, world) });
  }
  return answers;
}

async function answerTo(command: CallCommand | RunCommand, world: World): Promise<Input> {
  const { node } = command;
  try {
    const output = await (command.kind === 'call' ? world.call(command) : (world.run?.(command) ?? null));
    return { kind: 'answer', node, output };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'failure', node, error: error.error };
  }
}

function isListening(node: Node | undefined): boolean {
  return node !== undefined && (node.wait?.for === 'events' || (node.children ?? []).some(isListening));
}
