import { randomInt } from 'node:crypto';
import { type FlowJob, type Priority, TransientError } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import { batched, type InboxRow, type RunChange, type RunRow, type RunStore } from '@spillway/persistence';
import type { FlowDefinition } from '../definition/model';
import { advance, type Advanced, begin } from '../engine/advance';
import { CompiledFlow } from '../engine/compiled-flow';
import { standardError } from '../engine/errors';
import { type Command, ENDED, type Happening, type Input, type RunState } from '../engine/state';
import { answerKey, tasksOf } from './rows';

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
  ended: boolean;
}

export interface DriverParts {
  runs: RunStore;
  resolve: ResolveFlow;
  /** Unix milliseconds; the tests' own. */
  now?: () => number;
}

/** State of a run whose first advance is still to be made. */
interface Unborn {
  begin: Json;
}

const MOST_DEFINITIONS = 1_000;
const MOST_RUNS = 100;
/** Another worker may take the same run on at the same time; one of the two reads again. */
const MOST_TRIES = 8;

/**
 * Takes runs on: reads their state and what came in, lets the engine work, and writes the outcome with compare-and-set
 * in one transaction. Many runs that are woken at the same time share the round trips.
 */
export class Driver {
  private readonly definitions = new Map<string, CompiledFlow>();
  private readonly take: (job: FlowJob) => Promise<Stepped | 'again' | undefined>;

  constructor(private readonly parts: DriverParts) {
    this.take = batched((jobs: FlowJob[]) => this.takeAll(jobs), { most: MOST_RUNS, parallel: 2 });
  }

  /**
   * @returns undefined when there was nothing to do
   * @throws TransientError `records-unavailable`, `run-contended`
   */
  async advance(job: FlowJob): Promise<Stepped | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const stepped = await this.take(job);
      if (stepped !== 'again') return stepped;
    }
    throw new TransientError(`the run ${job.run.id} is being taken on by others`, { code: 'run-contended' });
  }

  private async takeAll(jobs: FlowJob[]): Promise<(Stepped | 'again' | undefined)[]> {
    const ids = [...new Set(jobs.map(({ run }) => run.id))];
    const loaded = new Map((await this.parts.runs.load(ids)).map((one) => [one.run.id, one]));
    const steps = new Map<string, { stepped: Stepped; change: RunChange }>();
    for (const job of jobs) {
      if (steps.has(job.run.id)) continue;
      const found = loaded.get(job.run.id) ?? newRun(job, this.now());
      if (!found) continue;
      const step = await this.step(found.run, found.inbox);
      if (step) steps.set(job.run.id, step);
    }
    const written = await this.parts.runs.commit([...steps.values()].map(({ change }) => change));
    const seen = new Set<string>();
    return jobs.map(({ run: { id } }) => {
      const step = steps.get(id);
      if (!step) return undefined;
      if (!written.has(id)) return 'again';
      // What a step came to is made known once.
      if (seen.has(id)) return undefined;
      seen.add(id);
      return step.stepped;
    });
  }

  private async step(run: RunRow, inbox: InboxRow[]): Promise<{ stepped: Stepped; change: RunChange } | undefined> {
    const now = this.now();
    const isNew = isUnborn(run.state);
    const taken = isNew ? [] : takable(run.status, inbox);
    const isDue = isNew || (run.wakeAt !== null && run.wakeAt.getTime() <= now);
    if (taken.length === 0 && !isDue) return undefined;
    const flow = await this.definition(run.tenant, run.hash);
    const around = { run: { id: run.id }, now, random: () => randomInt(1_000_000) / 1_000_000 };
    const advanced = isNew
      ? begin(flow, (run.state as Unborn).begin, around)
      : advance(
          flow,
          run.state as RunState,
          taken.map(({ input }) => input as Input),
          around,
        );
    return this.write(run, taken, advanced, isNew && inbox.length > 0);
  }

  private write(run: RunRow, taken: InboxRow[], advanced: Advanced, again: boolean) {
    const { state, commands, happenings } = advanced;
    const now = this.now();
    const ended = ENDED.includes(state.status);
    const wakeAt = again ? now : advanced.wakeAt;
    const kept = commands.filter((command) => command.kind === 'call' || command.kind === 'emit');
    const change: RunChange = {
      run: {
        ...run,
        status: state.status,
        state,
        jobs: run.jobs + commands.filter((command) => command.kind === 'call').length,
        wakeAt: wakeAt === undefined ? null : new Date(wakeAt),
        endedAt: ended ? new Date(now) : null,
      },
      taken: taken.map(({ key }) => key),
      commands: kept.map((command) => ({ node: command.node, command })),
      closed: [...answered(taken), ...commands.flatMap((one) => (one.kind === 'forget' ? [one.node] : []))],
      tasks: tasksOf(happenings),
      listens: commands.flatMap((one) => (one.kind === 'listen' ? [listenOf(one, run)] : [])),
      unlistens: commands.flatMap((one) => (one.kind === 'forget' ? [one.node] : [])),
      deliveries: [],
      children: [],
    };
    const wake: Stepped['wake'] = [];
    for (const command of commands) this.reach(command, change, wake);
    if (ended && run.parentRun !== null) {
      const input: Input =
        state.status === 'completed'
          ? { kind: 'answer', node: run.parentNode!, output: state.output ?? null }
          : { kind: 'failure', node: run.parentNode!, error: state.error! };
      change.deliveries.push({ runId: run.parentRun, key: answerKey(run.parentNode!), input });
      wake.push({ runId: run.parentRun, why: answerKey(run.parentNode!) });
    }
    const stored = { ...change.run, seq: run.seq + 1 };
    return { stepped: { run: stored, commands, happenings, wake, wakeAt, ended }, change };
  }

  /** Sub-runs begin in the transaction that asks for them, and are cancelled with it. */
  private reach(command: Command, change: RunChange, wake: Stepped['wake']): void {
    const { run } = change;
    const id = `${run.id}.${command.node}`;
    if (command.kind === 'forget') {
      change.deliveries.push({ runId: id, key: 'cancel', input: { kind: 'cancel', reason: 'nobody waits for it' } });
      wake.push({ runId: id, why: 'cancel' });
    }
    if (command.kind !== 'run') return;
    const flow = this.parts.resolve(run.tenant, command.name, command.version);
    if (!flow) {
      const error = standardError(
        'configuration',
        `there is no flow "${command.name}" of version "${command.version}"`,
      );
      if (!command.wait) return;
      change.deliveries.push({
        runId: run.id,
        key: answerKey(command.node),
        input: { kind: 'failure', node: command.node, error: { ...error, instance: undefined } },
      });
      wake.push({ runId: run.id, why: answerKey(command.node) });
      return;
    }
    this.remember(run.tenant, flow.hash, flow.definition);
    change.children.push({
      ...run,
      id,
      flow: command.name,
      hash: flow.hash,
      version: flow.version,
      parentRun: command.wait ? run.id : null,
      parentNode: command.wait ? command.node : null,
      seq: 0,
      status: 'running',
      state: { begin: command.input } satisfies Unborn,
      jobs: 0,
      wakeAt: new Date(this.now()),
      startedAt: new Date(this.now()),
      endedAt: null,
    });
    wake.push({ runId: id, why: 'begin' });
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
    return this.remember(tenant, hash, definition as FlowDefinition);
  }

  private remember(_tenant: string, hash: string, definition: FlowDefinition): CompiledFlow {
    const known = this.definitions.get(hash);
    if (known) return known;
    if (this.definitions.size >= MOST_DEFINITIONS) this.definitions.clear();
    const compiled = new CompiledFlow(definition);
    this.definitions.set(hash, compiled);
    return compiled;
  }

  private now(): number {
    return this.parts.now?.() ?? Date.now();
  }
}

/** A run that is not there yet, and whose job says how it begins. */
function newRun(
  { run, route, eventId, meta, start }: FlowJob,
  now: number,
): { run: RunRow; inbox: InboxRow[] } | undefined {
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
      state: { begin: start.event as unknown as Json } satisfies Unborn,
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

function isUnborn(state: unknown): state is Unborn {
  return typeof state === 'object' && state !== null && 'begin' in state;
}

/** A suspended run takes orders only; the rest waits until it is resumed. */
function takable(status: string, inbox: InboxRow[]): InboxRow[] {
  if (status !== 'suspended') return inbox;
  const orders = inbox.filter(({ input }) => ['cancel', 'resume'].includes((input as Input).kind));
  return orders.length === 0 ? [] : [...orders, ...inbox.filter((row) => !orders.includes(row))];
}

function answered(taken: InboxRow[]): number[] {
  return taken.flatMap(({ input }) => {
    const { kind, ...rest } = input as Input;
    return (kind === 'answer' || kind === 'failure') && 'node' in rest ? [rest.node] : [];
  });
}

/** The types of events that may be meant, or null where an expression decides. */
function listenOf({ node, filters }: Extract<Command, { kind: 'listen' }>, run: RunRow) {
  const types = filters.map(({ type }) => type);
  const known = types.length > 0 && types.every((type) => type !== undefined);
  return { node, types: known ? [...new Set(types)] : null, since: run.startedAt };
}
