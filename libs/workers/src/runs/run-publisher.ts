import { type QueueName, sha256 } from '@spillway/contracts';
import {
  callJob,
  type CallCommand,
  type Command,
  isCall,
  isMeant,
  lookupsOf,
  type Read,
  type RunJob,
  type RunRef,
  sinceOf,
  type Stepped,
  waitsForOne,
  wakeUp,
} from '@spillway/flows';
import { Acceptor, type Incoming } from '@spillway/intake';
import { type RunRow, sendSignal } from '@spillway/persistence';
import type { NewFact } from '@spillway/queues';
import { between, type Platform } from '@spillway/runtime';
import type { MayGoOn, NextJob } from '@spillway/worker-kit';
import { unsure } from '../unsure';

/** Longer waits are not kept in the queue: their timers are set when they are near. */
export const NEAR_MS = 60_000;
const EMITTED_WINDOW_MS = 86_400_000;

/** What a step led to, made known. */
export interface Published {
  /** For the ledger. */
  facts: NewFact[];
  /** Calls that its own worker is to make. */
  next?: NextJob[];
}

/** What the worker that makes a call on the spot need not look up. */
export interface KnownCall {
  /** Where the run waits for this answer alone. */
  read?: Read;
}

type Emit = Extract<Command, { kind: 'emit' }>;
type Listen = Extract<Command, { kind: 'listen' }>;

/** Makes known to the queues what a stored step of a run asks for. Doing it again comes to the same. */
export class RunPublisher {
  private readonly acceptor: Acceptor;

  constructor(private readonly platform: Platform) {
    this.acceptor = new Acceptor(platform);
  }

  /** @param mayGoOn whether a call that the step asks for may be made by who took the run on, in place of its queue */
  async publish({ run, commands, wake, wakeAt, ended, isAsRead }: Stepped, mayGoOn?: MayGoOn): Promise<Published> {
    const calls = commands.filter(isCall);
    const isAlone = calls.length === 1 && waitsForOne(run.state);
    const jobs = calls.map((command) => callJob(run, command, isAlone));
    const may = await Promise.all(jobs.map(async ({ queue, data }) => mayGoOn?.(queue, data)));
    const known: KnownCall | undefined = isAlone && isAsRead ? { read: { run, inbox: [] } } : undefined;
    await this.add([
      ...jobs.filter((_, at) => !may[at]),
      ...wake.map(({ runId, why }) => wakeUp({ ...run, id: runId }, why)),
      ...this.timer(run, run.seq, wakeAt),
    ]);
    try {
      await this.others(run, commands);
    } catch (cause) {
      // What is to be done on the spot is nobody else's now.
      if (!may.includes(true)) throw cause;
      this.platform.log.warn({ run: run.id, err: cause }, 'what the run asked for could not be made known yet');
    }
    return {
      facts: [...plannedFacts(run, jobs), ...(ended ? [endedFact(run)] : [])],
      next: jobs.filter((_, at) => may[at]).map((job) => ({ ...job, known })),
    };
  }

  private async others(run: RunRow, commands: Command[]): Promise<void> {
    for (const command of commands) {
      if (command.kind === 'emit') await this.emit(run, command);
      if (command.kind === 'forget') await between('cancel', () => this.cancel(run, command.node));
      if (command.kind === 'listen') await this.catchUp(run, command);
    }
  }

  /** A call whose job may be lost, and may have begun before it was. */
  async call(run: RunRef, command: CallCommand): Promise<NewFact[]> {
    const { data, ...job } = callJob(run, command);
    await this.add([{ ...job, data: unsure(data) }]);
    return plannedFacts(run, [job]);
  }

  async emit(run: RunRef, { node, event }: Emit): Promise<void> {
    const { id, source, type, time, subject, data = null } = event as Record<string, never>;
    const content = JSON.stringify(data);
    const incoming: Incoming = {
      tenant: run.tenant,
      source: 'flows',
      provider: 'flow',
      type: String(type),
      subject: subject === undefined ? undefined : String(subject),
      time: time === undefined ? undefined : String(time),
      providerId: String(id),
      dedupeKey: `${run.id}.${node}`,
      data,
      correlationId: run.correlationId,
      causationId: run.eventId,
      priority: run.priority as 'normal',
      dedupeWindow: EMITTED_WINDOW_MS,
      body: { sha256: sha256(content), bytes: Buffer.byteLength(content) },
      createdBy: `run:${run.id}`,
      originSource: String(source),
    };
    await between('emit', () => this.acceptor.accept(incoming));
    await between('close', () => this.platform.runs.closeCommands(run.id, [node]));
  }

  async wake(run: RunRef, why: string, delayMs?: number): Promise<void> {
    await this.add([wakeUp(run, why, delayMs)]);
  }

  async add(jobs: RunJob[]): Promise<void> {
    await Promise.all(
      jobs.map(({ queue, id, data, delayMs, attempts }) =>
        between(`add to ${queue}`, () =>
          this.platform.queues.add(queue, data as never, { id, priority: data.meta.priority, delayMs, attempts }),
        ),
      ),
    );
  }

  /** A timer that went off before its time by the clock of this machine is set again. */
  async early({ run, seq, wakeAt }: { run: RunRef; seq: number; wakeAt: Date }): Promise<void> {
    const leftMs = wakeAt.getTime() - Date.now();
    await this.wake(run, `t${seq}.${leftMs}`, Math.max(1, leftMs));
  }

  private timer(run: RunRef, seq: number, wakeAt: number | undefined): RunJob[] {
    if (wakeAt === undefined) return [];
    const delayMs = wakeAt - Date.now();
    return delayMs > NEAR_MS ? [] : [wakeUp(run, `t${seq}`, Math.max(0, delayMs))];
  }

  /** A job that nobody waits for: taken out of its queue, or aborted where it runs. */
  private async cancel({ id, tenant }: RunRef, node: number): Promise<void> {
    const jobId = `${id}.${node}`;
    for (const queue of ['integration-tasks', 'notifications'] satisfies QueueName[]) {
      const job = await this.platform.queues.find(queue, jobId, tenant);
      const removed = await job?.remove().then(
        () => true,
        () => false,
      );
      // One that is in no queue may be done on the spot.
      if (!removed) await sendSignal(this.platform.database.pool, { kind: 'cancel-job', queue, jobId });
    }
  }

  /** Brings a run that has begun to listen what came before. */
  async catchUp(run: RunRow, command: Listen): Promise<void> {
    const lookups = lookupsOf(command.filters);
    const types = lookups.map(({ type }) => type);
    const what = {
      types: types.every((type) => type !== undefined) ? types : null,
      since: sinceOf(run, run.state),
      isMeant: (event: object) => isMeant(lookups, event as Record<string, unknown>),
    };
    const missed = await between('catch-up', () => this.platform.listening.catchUp(run, what));
    if (missed > 0) {
      await this.wake(run, `c${run.seq}.${command.node}`);
    }
    await between('close', () => this.platform.runs.closeCommands(run.id, [command.node]));
  }
}

function plannedFacts({ tenant, eventId }: RunRef, jobs: Pick<RunJob, 'planned'>[]): NewFact[] {
  return jobs.flatMap(({ planned }) =>
    planned ? [{ kind: 'job.planned' as const, tenant, eventId, job: planned }] : [],
  );
}

/** The event's state is to be worked out anew. */
export function endedFact({ id, tenant, eventId }: Pick<RunRef, 'id' | 'tenant' | 'eventId'>): NewFact {
  return { kind: 'run.ended', tenant, eventId, runId: id };
}
