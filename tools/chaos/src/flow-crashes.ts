import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Database, openDatabase } from '@spillway/persistence';
import { API_KEY, type BackendName, type Call, eventually, TestServers, ThirdParty } from '@spillway/testing';
import { request } from 'undici';
import { Answers } from './answers';
import { EFFECTS, everyTask } from './every-task';
import { SpillwayProcess } from './spillway-process';

const STEADY = 'ingress-api,admin,worker-analytics';
const WORKERS = 'worker-ingress,worker-orchestration,worker-integration,worker-notifications';
const ENDED = ['completed', 'faulted', 'cancelled'];
/** What is asked for again is asked for so long. */
const UNAVAILABLE_MS = 20_000;
/** What is found by the clock is found soon. */
const QUICK = { LOCK_DURATION: '1s', STALLED_INTERVAL: '300ms', RECONCILE_AFTER: '1s', RECONCILE_EVERY: '300ms' };

/** What a worker is told to do to itself at a crash point (libs/workers/src/faults.ts). */
export interface Fault {
  /** At the so many-th point; 0: at none. */
  at: number;
  signal?: 'SIGKILL' | 'SIGSTOP';
  /** Points of this name only. */
  only?: string;
  /** The process that takes events and answers, in place of the worker. */
  edge?: boolean;
}

export interface CrashOptions {
  /** Every call goes through its queue, as where each queue has processes of its own. */
  throughQueues?: boolean;
}

/** How a run came out, whatever was done to the workers meanwhile. */
export interface Outcome {
  /** Points that the first worker passed. */
  points: string[];
  /** And those of the edge. */
  edgePoints: string[];
  /** Processes that died. */
  crashes: number;
  status: string;
  output: unknown;
  /** Distinct Idempotency-Keys by path. */
  effects: Record<string, number>;
  /** Calls beyond the first under their key. */
  repeats: number;
  /** Rows left in run_inbox, run_commands and run_listens. */
  left: number;
  eventState: string;
  seconds: number;
}

interface Begun {
  id: string;
  eventId: string;
  at: number;
}

/** Runs of a flow with every kind of task, on servers of their own, whose workers die or freeze at crash points. */
export class FlowCrashes {
  private readonly workers = new Set<SpillwayProcess>();
  private readonly answers = new Answers();
  private faults = 0;
  /** Processes that died in the run that is under way. */
  private crashes = 0;

  private constructor(
    private readonly file: string,
    private readonly servers: TestServers,
    private readonly other: ThirdParty,
    private readonly edge: SpillwayProcess,
    private readonly database: Database,
    private readonly options: CrashOptions,
  ) {
    other.answer = (call) => {
      this.answers.hear(call);
      return this.isFirstKey(call) ? { status: 503 } : undefined;
    };
  }

  static async start(backend: BackendName, options: CrashOptions = {}): Promise<FlowCrashes> {
    const servers = await TestServers.start(backend);
    const other = await ThirdParty.start();
    const file = join(mkdtempSync(join(tmpdir(), 'spillway-crashes-')), 'fault');
    const edge = await SpillwayProcess.start(STEADY, servers.environment(faulty(`${file}-edge`)));
    const self = new FlowCrashes(file, servers, other, edge, openDatabase(servers.postgres.url, 2), options);
    await self.post(`${edge.adminUrl}/api/v1/apply`, { documents: everyTask(other.url) });
    return self;
  }

  /** One run to its end. @param faults of the first worker, and of those that follow when it has died */
  async run(...faults: Fault[]): Promise<Outcome> {
    await this.worker();
    this.crashes = 0;
    const ofEdge = this.tellEdge(faults.find(({ edge }) => edge));
    const ofWorkers = faults.filter(({ edge }) => !edge);
    const first = this.tell(ofWorkers.shift());
    const begun = await this.begin();
    await this.toItsEnd(begun, ofWorkers);
    const edgePoints = this.passed(ofEdge, `${this.file}-edge`);
    return { ...(await this.outcome(begun)), points: this.passed(first), edgePoints, crashes: this.crashes };
  }

  /** The worker freezes at a point until its jobs have gone to another one and the run has ended; then it goes on. */
  async freeze(only: string, at = 1): Promise<Outcome & { seq: [before: number, after: number] }> {
    const frozen = await this.worker();
    const fault = this.tell({ at, only, signal: 'SIGSTOP' });
    const begun = await this.begin();
    await eventually(() => this.passed(fault).length >= at, { what: 'the frozen worker' });
    this.tell();
    const next = await this.startWorker();
    await this.toItsEnd(begun);
    await this.outcome(begun);
    const before = (await this.row(begun.id))!.seq;
    frozen.signal('SIGCONT');
    await wait(2_000);
    const after = (await this.row(begun.id))!.seq;
    await next.kill();
    return {
      ...(await this.outcome(begun)),
      points: this.passed(fault),
      edgePoints: [],
      crashes: 0,
      seq: [before, after],
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.edge, ...this.workers].map((one) => one.kill()));
    await this.database.close();
    await this.other.close();
    await this.servers.close();
    rmSync(join(this.file, '..'), { recursive: true, force: true });
  }

  /** The worker that is there, or a new one. */
  private async worker(): Promise<SpillwayProcess> {
    for (const one of this.workers) if (one.hasEnded()) this.workers.delete(one);
    const [known] = this.workers;
    return known ?? this.startWorker();
  }

  private async startWorker(): Promise<SpillwayProcess> {
    // Links lead to the edge.
    const environment = this.servers.environment({
      ...faulty(this.file),
      PUBLIC_URL: this.edge.ingressUrl,
      ON_THE_SPOT: this.options.throughQueues ? 'off' : 'on',
    });
    const started = await SpillwayProcess.start(WORKERS, environment);
    this.workers.add(started);
    return started;
  }

  private tell({ at, signal = 'SIGKILL', only }: Fault = { at: 0 }, file = this.file): string {
    this.faults += 1;
    const id = String(this.faults);
    writeFileSync(`${file}.new`, JSON.stringify({ id, at, signal, only }));
    renameSync(`${file}.new`, file);
    return id;
  }

  private tellEdge(fault?: Fault): string {
    return this.tell(fault, `${this.file}-edge`);
  }

  private passed(fault: string, of = this.file): string[] {
    const file = `${of}.${fault}`;
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  private async begin(): Promise<Begun> {
    this.other.calls.length = 0;
    const mark = String(this.faults);
    const eventId = await this.send('crash.begin', { mark });
    await this.send('crash.outside', { mark });
    return { id: `${eventId}.every.0`, eventId, at: Date.now() };
  }

  private async toItsEnd({ id }: Begun, faults: Fault[] = []): Promise<void> {
    const until = Date.now() + 60_000;
    while (Date.now() < until) {
      await this.revive(faults);
      if (ENDED.includes((await this.row(id))?.status ?? '')) break;
      await wait(20);
    }
  }

  /** Starts again what has died. @param faults of the worker that comes next */
  private async revive(faults: Fault[] = []): Promise<void> {
    if (this.edge.hasEnded()) {
      this.crashes += 1;
      this.tellEdge();
      await this.edge.resume();
    }
    if ([...this.workers].every((one) => one.hasEnded())) {
      this.crashes += 1;
      this.tell(faults.shift());
      await this.worker();
    }
  }

  private async outcome({ id, eventId, at }: Begun): Promise<Omit<Outcome, 'points' | 'edgePoints' | 'crashes'>> {
    const left = await settled(
      () => this.left(id),
      (count) => count === 0,
    );
    const eventState = await settled(
      () => this.eventState(eventId),
      (state) => state === 'done',
    );
    // The route of the emitted event is nobody's who waits.
    await settled(
      async () => this.other.calls.filter(({ path }) => path === '/emitted').length,
      (count) => count > 0,
    );
    const run = await this.get<{ status: string; output: unknown }>(`${this.edge.adminUrl}/api/v1/runs/${id}`);
    const calls = [...this.other.calls];
    const keys = new Map(calls.map((call) => [keyOf(call), call.path]));
    const effects: Record<string, number> = {};
    for (const path of keys.values()) effects[path] = (effects[path] ?? 0) + 1;
    return {
      status: run.status,
      output: run.output,
      effects,
      repeats: calls.length - keys.size,
      left,
      eventState,
      seconds: (Date.now() - at) / 1_000,
    };
  }

  private async row(id: string) {
    const { rows } = await this.database.pool.query<{ status: string; seq: number }>(
      'select status, seq from runs where id = $1',
      [id],
    );
    return rows[0];
  }

  private async left(id: string): Promise<number> {
    const { rows } = await this.database.pool.query<{ count: number }>(
      `select (select count(*) from run_inbox where run_id like $1)::int
        + (select count(*) from run_commands where run_id like $1)::int
        + (select count(*) from run_listens where run_id like $1)::int as count`,
      [`${id}%`],
    );
    return rows[0]!.count;
  }

  /**
   * The ledger is the edge's, which may die of it when the run has ended. Who stored the run's end may have died of that: what
   * it was to tell then is told by who comes after it.
   */
  private async eventState(id: string): Promise<string> {
    await this.revive();
    const { rows } = await this.database.pool.query<{ state: string }>('select state from events where id = $1', [id]);
    return rows[0]?.state ?? 'none';
  }

  /** Of `/shaky`: the first attempt fails, also when it is made again. */
  private isFirstKey(call: Call): boolean {
    return call.path === '/shaky' && keyOf(this.other.calls.find(({ path }) => path === '/shaky')!) === keyOf(call);
  }

  private async send(type: string, data: { mark: string }): Promise<string> {
    const body = { tenant: 'chaos', type, data, id: `${type}.${data.mark}` };
    return (await this.post<{ id: string }>(`${this.edge.ingressUrl}/v1/events`, body)).id;
  }

  private post<T>(url: string, body: unknown): Promise<T> {
    return this.ask(url, 'POST', JSON.stringify(body));
  }

  private get<T>(url: string): Promise<T> {
    return this.ask(url, 'GET');
  }

  /**
   * Again, when the edge died of its fault meanwhile (an event has an id of its own, and is one event), and when it asks for
   * that: who was frozen may hold what others wait for, until PostgreSQL puts it out.
   */
  private async ask<T>(url: string, method: 'GET' | 'POST', body?: string): Promise<T> {
    for (const until = Date.now() + UNAVAILABLE_MS; ;) {
      try {
        return await this.askOnce(url, method, body);
      } catch (error) {
        await wait(20);
        if (this.edge.hasEnded()) await this.revive();
        else if (!(error instanceof Unavailable) || Date.now() > until) throw error;
      }
    }
  }

  private async askOnce<T>(url: string, method: 'GET' | 'POST', body?: string): Promise<T> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
    const answer = await request(url, { method, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode === 503) throw new Unavailable(`${url}: ${text}`);
    if (answer.statusCode >= 300) throw new Error(`${url}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as T;
  }
}

class Unavailable extends Error {}

/** What is wrong with a run, in words; `expected` is one that nothing was done to. */
export function wrongs(outcome: Outcome, expected: Outcome): string[] {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const sorted = (effects: Record<string, number>) => Object.entries(effects).sort();
  return [
    outcome.status !== 'completed' && `the run is ${outcome.status}`,
    !same(outcome.output, expected.output) && `its output is ${JSON.stringify(outcome.output)}`,
    !same(sorted(outcome.effects), sorted(EFFECTS)) && `effects: ${JSON.stringify(outcome.effects)}`,
    outcome.left > 0 && `${outcome.left} rows are left`,
    outcome.eventState !== 'done' && `the event is ${outcome.eventState}`,
    // Each crash cuts off what is under way: at most the two branches and the route of the emitted event.
    outcome.repeats > 3 * outcome.crashes && `${outcome.repeats} calls were made again`,
  ].filter((one) => one !== false);
}

function faulty(file: string): Record<string, string> {
  return { ...QUICK, SPILLWAY_FAULT: 'crash-point', SPILLWAY_FAULT_FILE: file, LOG_LEVEL: 'warn' };
}

function keyOf(call: Call): string {
  return `${call.path} ${String(call.headers['idempotency-key'])}`;
}

/** Until it is as it should be, or it is clear that it is not going to be. */
async function settled<T>(read: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
  const until = Date.now() + 15_000;
  for (;;) {
    const value = await read();
    if (is(value) || Date.now() > until) return value;
    await wait(20);
  }
}
