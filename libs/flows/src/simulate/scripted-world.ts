import { PermanentError } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import { segmentsOf } from '../definition/pointer';
import { Fault, standardError } from '../engine/errors';
import type { CallCommand, Command } from '../engine/state';
import type { FlowTestAnswer, FlowTestCase } from './flow-test';
import type { World } from './simulate';

type RunCommand = Extract<Command, { kind: 'run' }>;

/** When a simulated run begins, unless its test says when: the same test gives the same times every day. */
const THEN = Date.UTC(2026, 0, 1);

/** A world that answers as the case of a test says. */
export class ScriptedWorld implements World {
  readonly events: World['events'];
  readonly startedAt: number;
  readonly runId = 'test';
  /** Names of the tasks that called something or ran another flow, in order. */
  readonly called: string[] = [];
  private readonly answers: { answer: FlowTestAnswer; left: number }[];
  private readonly chosen = new Map<number, FlowTestAnswer>();

  constructor({ answers, events, at }: FlowTestCase) {
    this.answers = answers.map((answer) => ({ answer, left: answer.times ?? Infinity }));
    this.events = events;
    this.startedAt = at === undefined ? THEN : Date.parse(at);
  }

  call(command: CallCommand): Json {
    this.called.push(nameOf(command));
    return this.answerTo(command);
  }

  run(command: RunCommand): Json {
    this.called.push(nameOf(command));
    return command.wait ? this.answerTo(command) : null;
  }

  takesMs(command: CallCommand | RunCommand): number {
    return command.kind === 'run' && !command.wait ? 0 : (this.choose(command).takes ?? 0);
  }

  private answerTo(command: CallCommand | RunCommand): Json {
    const { error, output } = this.choose(command);
    if (!error) return output ?? null;
    const { type = standardError('communication', '').type, status = 500, ...more } = error;
    throw new Fault({ type, status, ...more });
  }

  /** The first answer that fits and is not used up. @throws PermanentError if there is none */
  private choose(command: CallCommand | RunCommand): FlowTestAnswer {
    const known = this.chosen.get(command.node);
    if (known) return known;
    const what = command.kind === 'call' ? command.call : `${command.namespace}/${command.name}`;
    const name = nameOf(command);
    const fitting = this.answers.filter(({ answer: { task } }) => [command.path, name, what].includes(task));
    const found = fitting.find(({ left }) => left > 0);
    if (!found) throw noAnswer(name, what, fitting.length > 0);
    found.left -= 1;
    this.chosen.set(command.node, found.answer);
    return found.answer;
  }
}

/** Of the task; what undoes `pay` is `undo pay`, as in the timeline of a run. */
function nameOf({ path }: CallCommand | RunCommand): string {
  const undone = /\/([^/]+)\/metadata\/compensate$/.exec(path)?.[1];
  return undone === undefined ? segmentsOf(path).at(-1)! : `undo ${segmentsOf(`/${undone}`)[0]}`;
}

function noAnswer(name: string, what: string, isUsedUp: boolean): PermanentError {
  const problem = isUsedUp ? 'the answers of the case for it are used up' : 'the case has no answer for it';
  return new PermanentError(`task "${name}" asks for ${what}, and ${problem}`, {
    code: 'flow-test-answer-missing',
    remedy: `Add to its answers: { task: ${name}, output: … }.`,
  });
}
