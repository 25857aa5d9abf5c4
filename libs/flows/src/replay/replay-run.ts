import type { Json } from '@spillway/jq';
import type { CompiledFlow } from '../engine/compiled-flow';
import { simulate } from '../simulate/simulate';
import { compare, type Differences, endOf, isSame, type Went } from './compare';
import { RecordedWorld, type RecordedTask, type WorldOptions } from './recorded-world';

/** A run that is to be gone through again; without `tasks` it never was. */
export interface RecordedRun extends Omit<WorldOptions, 'fallback'> {
  eventId: string;
  /** Raw, of the workflow. */
  input: Json;
  /** The version it had; of an event that began no run, there is none. */
  flow?: CompiledFlow;
  version?: string;
  /** `completed`, `faulted`; as it was recorded. */
  status?: string;
  /** Of kind `call` and `run`, in the order in which they began. */
  tasks: RecordedTask[];
}

export interface Replayed extends Differences {
  run: string | null;
  event: string;
  /** Of the flow then. */
  version: string | null;
  /** `new`: no run is there to compare with. */
  result: 'same' | 'differs' | 'new';
  /** Calls that had to be answered with the default. */
  byDefault: number;
  /** What the reader must know to trust this. */
  notes: string[];
}

/**
 * Goes through a past run with another version of its flow, and says what would differ. Nothing is called: see
 * `RecordedWorld`. Both versions are run in that world, so that only what the versions do differs.
 */
export async function replayRun(run: RecordedRun, next: CompiledFlow, fallback: Json): Promise<Replayed> {
  const options = { ...run, fallback };
  const notes: string[] = [];
  const { before, tasks } = await asItWas(run, fallback);
  const after = await go(next, run.input, new RecordedWorld(tasks, options, before?.asked));
  if (before && before.state.status !== run.status) {
    notes.push(
      `it is recorded as ${run.status}, and its own version comes to "${endOf(before)}" when it is gone through again: ` +
        'the two versions are compared as they go now',
    );
  }
  const trimmed = tasks.filter((one) => one.trimmed).length;
  if (trimmed > 0) notes.push(`${trimmed} of its answers were too large to be kept, and have the default`);
  const differences = compare(before ?? nothing(after), after);
  const byDefault = after.asked.filter(({ recorded }) => !recorded || recorded.task.trimmed).length;
  return {
    run: run.flow ? run.runId : null,
    event: run.eventId,
    version: run.version ?? null,
    result: !before ? 'new' : isSame(differences) ? 'same' : 'differs',
    byDefault,
    notes,
    ...differences,
    ...(!before && { end: { before: 'no run', after: endOf(after) } }),
  };
}

/** The version that it had, in a world in which it comes to the end that is recorded, if there is one. */
async function asItWas(run: RecordedRun, fallback: Json): Promise<{ before?: Went; tasks: RecordedTask[] }> {
  if (!run.flow) return { tasks: run.tasks };
  const { flow, input } = run;
  const inWorldOf = (tasks: RecordedTask[]) => go(flow, input, new RecordedWorld(tasks, { ...run, fallback }));
  const plain = await inWorldOf(run.tasks);
  if (plain.state.status === run.status) return { before: plain, tasks: run.tasks };
  for (const tasks of [withoutRetried(run.tasks), withUnanswered(run.tasks, plain)]) {
    if (tasks.length === run.tasks.length) continue;
    const before = await inWorldOf(tasks);
    if (before.state.status === run.status) return { before, tasks };
  }
  return { before: plain, tasks: run.tasks };
}

async function go(flow: CompiledFlow, input: Json, world: RecordedWorld): Promise<Went> {
  try {
    return { ...(await simulate(flow, input, world)), asked: world.asked };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const state = { status: 'running', input } as Went['state'];
    return { state, happenings: [], emitted: [], calls: [], tookMs: Infinity, asked: world.asked };
  }
}

function nothing(after: Went): Went {
  return { ...after, state: { ...after.state, output: undefined }, happenings: [], emitted: [], calls: [], asked: [] };
}

/** What had no answer yet when the run ended left no record: in a race, the default would win. */
function withUnanswered(tasks: RecordedTask[], { asked }: Went): RecordedTask[] {
  const open = asked.filter(({ recorded }) => !recorded);
  return [...tasks, ...open.map(({ path }) => ({ path, status: 'cancelled', answer: null, tookMs: Infinity }))];
}

/** A call that failed, and that an operator had made again, is the one that was made last. */
function withoutRetried(tasks: RecordedTask[]): RecordedTask[] {
  return tasks.filter((one, index) => {
    const isFinal = one.status !== 'faulted' || one.path.split('/').includes('try');
    return isFinal || !tasks.slice(index + 1).some((later) => later.path === one.path);
  });
}
