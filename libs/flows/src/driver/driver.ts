import { randomInt } from 'node:crypto';
import { type FlowJob, TransientError } from '@spillway/contracts';
import { batched, type InboxRow, type RunChange, type RunRow, type RunStore } from '@spillway/persistence';
import type { FlowDefinition } from '../definition/model';
import { CompiledFlow } from '../engine/compiled-flow';
import { standardError } from '../engine/errors';
import type { Command, Happening, Input, RunState } from '../engine/state';
import { subRunsOf } from './lasting';
import { lifecycleEvents } from './lifecycle';
import { RecentRuns } from './recent-runs';
import { answerKey } from './rows';
import { advanceOf, changeOf, hasJustEnded, isUnborn, type KeptState, newRun, takable, type Unborn } from './step';
import { isAwaited } from './waiting';

/** Finds the version of a flow that a sub-run is to have. */
export type ResolveFlow = (
  tenant: string,
  name: string,
  version: string,
) => { hash: string; version: string; definition: FlowDefinition } | undefined;

/** What an advance came to, once it is stored: what must now be made known to the queues. */
export interface Stepped {
  run: RunRow;
  commands: Command[];
  happenings: Happening[];
  /** Runs to wake: sub-runs that began or are cancelled, a parent that was answered. */
  wake: { runId: string; why: string }[];
  /** When this run is to be woken, Unix milliseconds. */
  wakeAt?: number;
  /** It came to its end in this step. */
  ended: boolean;
  /** The run is here as it would be read. */
  isAsRead?: boolean;
}

/** There was nothing to do for a run. */
export interface Idle {
  idle: RunRow;
}

export interface DriverParts {
  runs: Pick<RunStore, 'load' | 'commit' | 'definition' | 'keepVersion'>;
  resolve: ResolveFlow;
  /** Whether anything of a tenant matches lifecycle events; others are not made. */
  wantsLifecycle?: (tenant: string) => boolean;
  /** Unix milliseconds; the tests' own. */
  now?: () => number;
}

interface Step {
  stepped: Stepped;
  change: RunChange;
}

/** A run as it was read. */
export interface Read {
  run: RunRow;
  inbox: InboxRow[];
}

/** One reason to take a run on. */
interface Reason {
  id: string;
  /** A wake-up; one that begins a run says how. */
  job?: FlowJob;
  /** What came for the run and is in nobody's inbox: it counts once this step is stored. */
  given?: InboxRow;
  /** The run as it was read before; it is read again when it has moved on since. */
  read?: Read;
  /** Nobody can have begun the run before. */
  isFirst?: boolean;
}

/** What became of a reason; `again` when the run had moved on. */
type Taken = Stepped | Idle | 'again' | 'refused' | undefined;

const MOST_DEFINITIONS = 1_000;
const MOST_RUNS = 100;
/** Commits under way at once: PostgreSQL works on some while others are made ready. */
const PARALLEL = 4;
/** While others are under way, so long is waited for more runs to share a commit. */
const LINGER_MS = 10;
/** Another worker may take the same run on at the same time; one of the two reads again. */
const MOST_TRIES = 8;
/** An answer of many that a run waits for goes into its inbox then: whoever takes the run on finds it there. */
const TRIES_OF_ANSWER = 3;

/**
 * Takes runs on: reads their state and what came in, lets the engine work, and writes the outcome with compare-and-set
 * in one transaction. Many runs that are woken at the same time share the round trips.
 */
export class Driver {
  private readonly definitions = new Map<string, CompiledFlow>();
  /** Versions of sub-runs that are in the database. */
  private readonly kept = new Set<string>();
  private readonly recent = new RecentRuns();
  /** Runs that are being taken on here: what comes for them meanwhile goes together in their next step. */
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly take: (reason: Reason) => Promise<Taken>;
  private readonly read: (id: string) => Promise<Read | undefined>;

  constructor(private readonly parts: DriverParts) {
    const together = { most: MOST_RUNS, parallel: PARALLEL, lingerMs: LINGER_MS };
    this.take = batched((reasons: Reason[]) => this.alone(reasons), together);
    this.read = batched((ids: string[]) => this.readAll(ids), together);
  }

  /**
   * @param isFirst nobody can have taken this job before, so that the run it begins need not be looked for
   * @returns undefined when there is no such run, or another job of the same batch took it on
   * @throws TransientError `records-unavailable`, `run-contended`, `flow-version-missing`
   */
  async advance(job: FlowJob, isFirst = false): Promise<Stepped | Idle | undefined> {
    const stepped = await this.try({ id: job.run.id, job, isFirst: isFirst && job.start !== undefined });
    return stepped === 'refused' ? undefined : stepped;
  }

  /**
   * Reads a run before a task of it is done.
   *
   * @returns undefined when nobody waits for the answer of this task
   */
  async awaiting(id: string, node: number): Promise<Read | undefined> {
    const read = await this.read(id);
    const key = answerKey(node);
    return read && isAwaited(read.run.state, node) && !read.inbox.some((row) => row.key === key) ? read : undefined;
  }

  /**
   * Takes a run on with an answer that is kept nowhere yet: it is stored with the step that it leads to.
   *
   * @returns `refused` when the run takes no answers now; then it belongs into the inbox
   * @throws TransientError `records-unavailable`, `run-contended`, `flow-version-missing`
   */
  async answer(id: string, given: InboxRow, read?: Read): Promise<Stepped | 'refused' | undefined> {
    const stepped = await this.try({ id, given, read }, TRIES_OF_ANSWER);
    return stepped !== undefined && stepped !== 'refused' && 'idle' in stepped ? undefined : stepped;
  }

  private async try(reason: Reason, most = MOST_TRIES): Promise<Exclude<Taken, 'again'>> {
    const { id, job, given } = reason;
    for (let tries = 0; tries < most; tries += 1) {
      const before = this.underWay.get(id);
      await before;
      // What was read before another step is of no use after it.
      const stepped = await this.take(tries === 0 && !before ? reason : { id, job, given });
      if (stepped !== 'again') return stepped;
    }
    if (given) return 'refused';
    throw new TransientError(`the run ${id} is being taken on by others`, { code: 'run-contended' });
  }

  private async readAll(ids: string[]): Promise<(Read | undefined)[]> {
    const found = new Map((await this.load([...new Set(ids)])).map((one) => [one.run.id, one]));
    return ids.map((id) => found.get(id));
  }

  private load(ids: string[]): Promise<Read[]> {
    return this.parts.runs.load(ids, this.recent.of(ids));
  }

  private async alone(reasons: Reason[]): Promise<Taken[]> {
    const taking = this.takeAll(reasons);
    const over = taking.then(
      () => undefined,
      () => undefined,
    );
    for (const { id } of reasons) this.underWay.set(id, over);
    try {
      return await taking;
    } finally {
      for (const { id } of reasons) if (this.underWay.get(id) === over) this.underWay.delete(id);
    }
  }

  private async takeAll(reasons: Reason[]): Promise<Taken[]> {
    const groups = Map.groupBy(reasons, ({ id }) => id);
    const found = await this.readGroups(groups);
    const steps = new Map<string, Step>();
    const refused = new Set<InboxRow>();
    for (const [id, group] of groups) {
      const read = found.get(id);
      if (!read) continue;
      const given = group.flatMap((one) => one.given ?? []);
      const step = await this.step(read, given, refused);
      if (step) steps.set(id, step);
    }
    const written = await this.parts.runs.commit([...steps.values()].map(({ change }) => change));
    for (const [id, { stepped }] of steps) if (written.has(id)) stepped.isAsRead = this.recent.keep(stepped.run);
    const seen = new Set<string>();
    return reasons.map(({ id, given }) => {
      if (given && refused.has(given)) return 'refused';
      const step = steps.get(id);
      if (!step) return found.has(id) ? { idle: found.get(id)!.run } : undefined;
      if (!written.has(id)) return 'again';
      // What a step came to is made known once.
      if (seen.has(id)) return undefined;
      seen.add(id);
      return step.stepped;
    });
  }

  /** The runs of a batch: as they were read, or read now, or new. */
  private async readGroups(groups: Map<string, Reason[]>): Promise<Map<string, Read>> {
    const found = new Map<string, Read>();
    const unread: string[] = [];
    for (const [id, group] of groups) {
      const [{ read, isFirst }] = group as [Reason];
      if (group.length === 1 && read) found.set(id, read);
      else if (!isFirst) unread.push(id);
    }
    if (unread.length > 0) for (const one of await this.load(unread)) found.set(one.run.id, one);
    for (const [id, group] of groups) {
      if (found.has(id)) continue;
      const born = group.map(({ job }) => job && newRun(job, this.now())).find((one) => one !== undefined);
      if (born) found.set(id, born);
    }
    return found;
  }

  /** @param refused collects what was given and cannot be taken now */
  private async step({ run, inbox }: Read, given: InboxRow[], refused: Set<InboxRow>): Promise<Step | undefined> {
    const now = this.now();
    // The first answer under a key stands, and one that nobody waits for any more is dropped.
    const isNews = ({ key, input }: InboxRow) =>
      isAwaited(run.state, (input as { node: number }).node) && !inbox.some((row) => row.key === key);
    const news = given.filter((row, at) => isNews(row) && given.findIndex(({ key }) => key === row.key) === at);
    const taken = takable(run.status, [...inbox, ...news]);
    for (const one of news) if (!taken.includes(one)) refused.add(one);
    const isDue = isUnborn(run.state) || (run.wakeAt !== null && run.wakeAt.getTime() <= now);
    if (taken.length === 0 && !isDue) return undefined;
    const flow = await this.definition(run.tenant, run.hash);
    const around = { run: { id: run.id }, now, random: () => randomInt(1_000_000) / 1_000_000 };
    const advanced = advanceOf(flow, run, taken, around);
    const quiet = (run.state as KeptState | Unborn).quiet;
    if (!quiet && this.parts.wantsLifecycle?.(run.tenant))
      advanced.commands.push(...lifecycleEvents(run, advanced.happenings));
    const { state, commands, happenings, wakeAt } = advanced;
    const change = changeOf(run, taken, advanced, now);
    change.taken = change.taken.filter((key) => inbox.some((row) => row.key === key));
    const wake: Stepped['wake'] = [];
    this.cancelSubRuns(flow, run, commands, change, wake);
    for (const command of commands) if (command.kind === 'run') await this.beginSubRun(command, change, wake);
    const ended = hasJustEnded(happenings);
    if (ended) answerParent(run, state, change, wake);
    const stored = { ...change.run, seq: run.seq + 1 };
    return { stepped: { run: stored, commands, happenings, wake, wakeAt, ended }, change };
  }

  /** Sub-runs are cancelled in the transaction that drops them. */
  private cancelSubRuns(
    flow: CompiledFlow,
    run: RunRow,
    commands: Command[],
    change: RunChange,
    wake: Stepped['wake'],
  ): void {
    const forgotten = commands.flatMap((one) => (one.kind === 'forget' ? [one.node] : []));
    if (isUnborn(run.state)) return;
    for (const node of subRunsOf(flow, run.state as RunState, forgotten)) {
      const runId = `${run.id}.${node}`;
      change.deliveries.push({ runId, key: 'cancel', input: { kind: 'cancel', reason: 'nobody waits for it' } });
      wake.push({ runId, why: 'cancel' });
    }
  }

  /** Sub-runs begin in the transaction that asks for them. */
  private async beginSubRun(
    command: Extract<Command, { kind: 'run' }>,
    change: RunChange,
    wake: Stepped['wake'],
  ): Promise<void> {
    const { run } = change;
    const { node, name, version, wait, input } = command;
    const flow = this.parts.resolve(run.tenant, name, version);
    if (!flow) {
      if (!wait) return;
      const error = standardError('configuration', `there is no flow "${name}" of version "${version}"`);
      const failure: Input = { kind: 'failure', node, error };
      change.deliveries.push({ runId: run.id, key: answerKey(node), input: failure });
      wake.push({ runId: run.id, why: answerKey(node) });
      return;
    }
    await this.keep(run.tenant, name, flow);
    const id = `${run.id}.${node}`;
    change.children.push({
      ...run,
      id,
      flow: name,
      hash: flow.hash,
      version: flow.version,
      parentRun: wait ? run.id : null,
      parentNode: wait ? node : null,
      seq: 0,
      status: 'running',
      state: { begin: input, ...besideOf(run.state as KeptState) } satisfies Unborn,
      jobs: 0,
      wakeAt: new Date(this.now()),
      startedAt: new Date(this.now()),
      endedAt: null,
    });
    wake.push({ runId: id, why: 'begin' });
  }

  /** A sub-run's version may be one that no route ever began: whoever takes it on must find it. */
  private async keep(tenant: string, name: string, flow: NonNullable<ReturnType<ResolveFlow>>): Promise<void> {
    const key = `${tenant} ${flow.hash}`;
    if (this.kept.has(key)) return;
    await this.parts.runs.keepVersion({ tenant, flow: name, ...flow });
    if (this.kept.size >= MOST_DEFINITIONS) this.kept.clear();
    this.kept.add(key);
  }

  /** @throws TransientError `flow-version-missing` */
  private async definition(tenant: string, hash: string): Promise<CompiledFlow> {
    const known = this.definitions.get(hash);
    if (known) return known;
    const definition = await this.parts.runs.definition(tenant, hash);
    if (definition === undefined) {
      throw new TransientError(`the flow's version ${hash.slice(0, 12)} is not in the database`, {
        code: 'flow-version-missing',
      });
    }
    if (this.definitions.size >= MOST_DEFINITIONS) this.definitions.clear();
    const compiled = new CompiledFlow(definition as FlowDefinition);
    this.definitions.set(hash, compiled);
    return compiled;
  }

  private now(): number {
    return this.parts.now?.() ?? Date.now();
  }
}

function answerParent({ parentRun, parentNode }: RunRow, state: RunState, change: RunChange, wake: Stepped['wake']) {
  if (parentRun === null || parentNode === null) return;
  const input: Input =
    state.status === 'completed'
      ? { kind: 'answer', node: parentNode, output: state.output ?? null }
      : { kind: 'failure', node: parentNode, error: state.error! };
  change.deliveries.push({ runId: parentRun, key: answerKey(parentNode), input });
  wake.push({ runId: parentRun, why: answerKey(parentNode) });
}

/** What a sub-run has of the run that began it. */
function besideOf({ quiet, trace }: KeptState) {
  return { ...(quiet && { quiet }), ...(trace && { trace }) };
}
