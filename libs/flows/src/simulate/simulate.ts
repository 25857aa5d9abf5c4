import type { Json } from '@spillway/jq';
import { advance, type Advanced, begin } from '../engine/advance';
import type { CompiledFlow } from '../engine/compiled-flow';
import { Fault } from '../engine/errors';
import { type CallCommand, type Command, ENDED, type Happening, type Input, type RunState } from '../engine/state';

type Event = { [attribute: string]: Json };

/** Stands in for the world of a simulated run. */
export interface World {
  /** Answers a call; a thrown Fault is its failure. */
  call(command: CallCommand): Json | Promise<Json>;
  /** Answers a sub-run. */
  run?(command: Extract<Command, { kind: 'run' }>): Json | Promise<Json>;
  /** Events that come while the run listens and nothing else is to be done, in this order. */
  events?: Event[];
  startedAt?: number;
  runId?: string;
  random?: () => number;
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

/**
 * Runs a flow to its end, or until it waits for what never comes, without queues, database or clock: time jumps to the
 * next deadline whenever there is nothing else to do.
 *
 * @throws RangeError for a run that does not come to an end
 */
export async function simulate(flow: CompiledFlow, input: Json, world: World): Promise<Simulated> {
  let now = world.startedAt ?? Date.now();
  const startedAt = now;
  const around = () => ({ run: { id: world.runId ?? 'simulated' }, now, random: world.random ?? (() => 0.5) });
  const result: Simulated = { state: undefined as never, happenings: [], emitted: [], calls: [], tookMs: 0 };
  const events = [...(world.events ?? [])];
  let step: Advanced = begin(flow, input, around());
  for (let count = 0; count < MOST_ADVANCES; count += 1) {
    result.state = step.state;
    result.happenings.push(...step.happenings);
    const inputs = await answer(step.commands, world, result);
    if (ENDED.includes(step.state.status)) break;
    if (inputs.length === 0 && (step.wakeAt === undefined || step.wakeAt > now)) {
      const event = events.shift();
      if (event) inputs.push({ kind: 'event', event });
      else if (step.wakeAt !== undefined) now = step.wakeAt;
      else break;
    }
    if (count === MOST_ADVANCES - 1) throw new RangeError(`the run did not end within ${MOST_ADVANCES} advances`);
    step = advance(flow, step.state, inputs, around());
  }
  result.tookMs = now - startedAt;
  return result;
}

async function answer(commands: Command[], world: World, result: Simulated): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const command of commands) {
    if (command.kind === 'emit') result.emitted.push(command.event);
    if (command.kind !== 'call' && command.kind !== 'run') continue;
    if (command.kind === 'call') result.calls.push(command);
    try {
      const output = await (command.kind === 'call' ? world.call(command) : (world.run?.(command) ?? null));
      inputs.push({ kind: 'answer', node: command.node, output });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      inputs.push({ kind: 'failure', node: command.node, error: error.error });
    }
  }
  return inputs;
}
