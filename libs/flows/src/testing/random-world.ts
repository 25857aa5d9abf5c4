import type { Json } from '@spillway/jq';
import { advance, type Advanced, begin } from '../engine/advance';
import type { CompiledFlow } from '../engine/compiled-flow';
import { type Command, ENDED, type Input, type RunState } from '../engine/state';
import { anEvent, NOON } from './flows';
import { frozen } from './frozen';

/** How a random world treats a run. */
export interface Habits {
  /** Draws: from 0, below the number. */
  draw: (below: number) => number;
  /** Whether calls fail, some of them. */
  fails?: boolean;
  /** Whether a run that failed is retried, when each call fails the first time only. */
  retries?: boolean;
  /** Whether it is suspended and resumed now and then. */
  suspends?: boolean;
  /** Looks at every advance, and may put another state in its place. */
  look?: (step: Advanced, before: RunState | undefined, inputs: Input[], around: Around) => Advanced;
}

export type Around = Parameters<typeof advance>[3];
export interface Lived {
  state: RunState;
  commands: Command[];
  /** JSON length of the state after each advance. */
  sizes: number[];
}

const MOST_ADVANCES = 10_000;
const CALL_FAILED = 'https://example.com/errors/call';

/** A world that answers everything, some time, in any order. What it answers depends on what is asked and nothing else. */
export function live(flow: CompiledFlow, input: Json, { draw, fails, retries, suspends, look }: Habits): Lived {
  const lived: Lived = { state: undefined as never, commands: [], sizes: [] };
  const open: Command[] = [];
  const failed = new Set<string>();
  let now = NOON;
  const around = () => ({ run: { id: 'run' }, now, random: () => 0.5 });
  const answer = (command: Command): Input => {
    const key = command.kind === 'call' ? `${command.path} ${JSON.stringify(command.input)}` : 'run';
    const first = failed.size !== failed.add(key).size;
    const isFailure = fails && (retries ? first && hash(key) % 2 === 0 : hash(key) % 4 === 0);
    const { node } = command;
    if (isFailure) return { kind: 'failure', node, error: { type: CALL_FAILED, status: 500 } };
    return { kind: 'answer', node, output: { n: hash(key) % 7, list: [hash(key) % 3] } };
  };
  const take = (step: Advanced, before?: RunState, inputs: Input[] = []) => {
    const seen = look?.(step, before, inputs, around()) ?? step;
    lived.commands.push(...seen.commands);
    lived.sizes.push(JSON.stringify(seen.state).length);
    lived.state = seen.state;
    for (const command of seen.commands) {
      if (command.kind === 'call' || (command.kind === 'run' && command.wait)) open.push(command);
    }
    return seen;
  };
  let step = take(begin(flow, frozen(input), around()));
  for (let count = 0; count < MOST_ADVANCES; count += 1) {
    const inputs: Input[] = [];
    if (ENDED.includes(step.state.status)) {
      if (!retries || !step.state.failed || step.state.error?.type !== CALL_FAILED) return lived;
      inputs.push({ kind: 'retry' });
    }
    if (suspends && draw(4) === 0) inputs.push({ kind: draw(2) === 0 ? 'suspend' : 'resume' });
    for (let answers = draw(3); answers > 0 && open.length > 0; answers -= 1) {
      inputs.push(answer(open.splice(draw(open.length), 1)[0]!));
    }
    if (draw(6) === 0) inputs.push({ kind: 'event', event: anEvent('random', count, { id: String(count) }) });
    if (inputs.length === 0 && step.wakeAt !== undefined) now = Math.max(now, step.wakeAt);
    step = take(advance(flow, step.state, inputs, around()), step.state, inputs);
  }
  throw new RangeError(`the run did not end: ${JSON.stringify(step.state)}`);
}

/** Draws that are the same for the same seed (mulberry32). */
export function drawsFrom(seed: number): Habits['draw'] {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function hash(text: string): number {
  let value = 7;
  for (const character of text) value = (value * 31 + character.codePointAt(0)!) % 1_000_003;
  return value;
}
