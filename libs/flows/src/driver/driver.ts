import { randomInt } from 'node:crypto';
import { type FlowJob, TransientError } from '@spillway/contracts';
import { batched, type InboxRow, type RunChange, type RunRow, type RunStore } from '@spillway/persistence';
import type { FlowDefinition } from '../definition/model';
import { CompiledFlow } from '../engine/compiled-flow';
import { standardError } from '../engine/errors';
import type { Command, Happening, Input, RunState } from '../engine/state';
import { subRunsOf } from './lasting';
import { lifecycleEvents } from './lifecycle';
import { answerKey } from './rows';
import { advanceOf, changeOf, hasJustEnded, isUnborn, type KeptState, newRun, takable, type Unborn } from './step';

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

const MOST_DEFINITIONS = 1_000;
const MOST_RUNS = 100;
/** Under load so long is waited for more runs to share a commit. */
const LINGER_MS = 10;
/** Another worker may take the same run on at the same time; one of the two reads again. */
const MOST_TRIES = 8;

/**
 * Takes runs on: reads their state and what came in, lets the engine work, and writes the outcome with compare-and-set
 * in one transaction. Many runs that are woken at the same time share the round trips.
 */
export class Driver {
  private readonly definitions = new Map<string, CompiledFlow>();
  /** Versions of sub-runs that are in the database. */
  private readonly kept = new Set<string>();
  private readonly take: (job: FlowJob) => Promise<Stepped | Idle | 'again' | undefined>;

  constructor(private readonly parts: DriverParts) {
    this.take = batched((jobs: FlowJob[]) => this.takeAll(jobs), {
      most: MOST_RUNS,
      parallel: 2,
      lingerMs: LINGER_MS,
    });
  }

  /**
   * @returns undefined when there is no such run, or another job of the same batch took it on
   * @throws TransientError `records-unavailable`, `run-contended`, `flow-version-missing`
   */
  async advance(job: FlowJob): Promise<Stepped | Idle | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const stepped = await this.take(job);
      if (stepped !== 'again') return stepped;
    }
    throw new TransientError(`the run ${job.run.id} is being taken on by others`, { code: 'run-contended' });
  }

  private async takeAll(jobs: FlowJob[]): Promise<(Stepped | Idle | 'again' | undefined)[]> {
    const ids = [...new Set(jobs.map(({ run }) => run.id))];
    const found = new Map((await this.parts.runs.load(ids)).map((one) => [one.run.id, one]));
    const steps = new Map<string, Step>();
    for (const job of jobs) {
      const { id } = job.run;
      if (steps.has(id)) continue;
      if (!found.has(id)) {
        const born = newRun(job, this.now());
        if (!born) continue;
        found.set(id, born);
      }
      const { run, inbox } = found.get(id)!;
      const step = await this.step(run, inbox);
      if (step) steps.set(id, step);
    }
    const written = await this.parts.runs.commit([...steps.values()].map(({ change }) => change));
    const seen = new Set<string>();
    return jobs.map(({ run: { id } }) => {
      const step = steps.get(id);
      if (!step) return found.has(id) ? { idle: found.get(id)!.run } : undefined;
      if (!written.has(id)) return 'again';
      // What a step came to is made known once.
      if (seen.has(id)) return undefined;
      seen.add(id);
      return step.stepped;
    });
  }

  private async step(run: RunRow, inbox: InboxRow[]): Promise<Step | undefined> {
    const now = this.now();
    const taken = takable(run.status, inbox);
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
      state: { begin: input, ...((run.state as KeptState).quiet && { quiet: true }) } satisfies Unborn,
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
