import { randomUUID } from 'node:crypto';
import type { RunRecord } from '@spillway/persistence';
import { API_KEY, type BackendName, type Call, eventually, ThirdParty } from '@spillway/testing';
import { parse } from 'yaml';
import { post, Stack, TENANT } from './stack';

const ENDED = ['completed', 'faulted', 'cancelled'];

/** A stack with flows that begin by an event of type `start.FLOW`, and the third party that they call. */
export class FlowWorld {
  /** Calls that were cut off by the caller. */
  aborted = 0;
  private definitions = new Map<string, unknown>();

  constructor(
    readonly stack: Stack,
    readonly other: ThirdParty,
  ) {
    other.onAbort = () => {
      this.aborted += 1;
    };
  }

  static async start(backend: BackendName, extra: Record<string, string> = {}): Promise<FlowWorld> {
    const other = await ThirdParty.start();
    return new FlowWorld(await Stack.start(backend, { RECONCILE_AFTER: '1s', ...extra }), other);
  }

  /** Flows by name, in YAML; `OTHER` is where the third party is. */
  async define(flows: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(flows)) {
      this.definitions.set(name, parse(text.replaceAll('OTHER', this.other.url)));
    }
    await this.stack.configure(
      ...[...this.definitions].flatMap(([name, spec]) => [
        { kind: 'Flow', name, spec },
        { kind: 'Route', name, spec: { match: { types: [`start.${name}`] }, to: { flow: name } } },
      ]),
    );
  }

  /** The same `id` is the same event. @returns the event's id */
  async tell(type: string, data: unknown = {}, id: string = randomUUID()): Promise<string> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
    const answer = await post(
      `${this.stack.ingress}/v1/events`,
      JSON.stringify({ tenant: TENANT, type, data, id }),
      headers,
    );
    if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.body}`);
    return answer.json<{ id: string }>().id;
  }

  /** @returns the run's id */
  async begin(flow: string, data: unknown = {}): Promise<string> {
    return `${await this.tell(`start.${flow}`, data)}.${flow}.0`;
  }

  /** A run, once it is as it should be. */
  run(id: string, is: (run: RunRecord) => boolean = () => true, withinMs = 15_000): Promise<RunRecord> {
    return eventually(
      async () => {
        const run = await this.stack.client.get<RunRecord>(`/runs/${id}`);
        if (is(run)) return run;
        const { status, version, error, tasks, wakeAt } = run;
        const open = tasks.filter(({ endedAt }) => !endedAt).map(({ name }) => name);
        throw new Error(`run ${id} is ${JSON.stringify({ status, version, error, open, wakeAt })}`);
      },
      { what: `run ${id}`, withinMs },
    );
  }

  ended(id: string, withinMs?: number): Promise<RunRecord> {
    return this.run(id, ({ status }) => ENDED.includes(status), withinMs);
  }

  status(id: string, status: string): Promise<RunRecord> {
    return this.run(id, (run) => run.status === status);
  }

  waiting(id: string, task: string): Promise<RunRecord> {
    return this.run(id, ({ tasks }) => tasks.some((one) => one.name === task && one.status === 'waiting'));
  }

  async order(id: string, kind: 'cancel' | 'suspend' | 'resume' | 'retry'): Promise<void> {
    await this.stack.client.post(`/runs/${id}/${kind}`, {});
  }

  called(path: string, count = 1): Promise<Call[]> {
    return eventually(
      () => {
        const calls = this.calls(path);
        return calls.length >= count ? calls : undefined;
      },
      { what: `${count} calls of ${path}` },
    );
  }

  calls(path: string): Call[] {
    return this.other.calls.filter((call) => call.path === path);
  }

  /** What is still open of a run and its sub-runs; none of a run that has ended. */
  async leftovers(id: string): Promise<Record<string, number>> {
    const { rows } = await this.stack.platform.database.pool.query<Record<string, number>>(
      `select (select count(*)::int from run_inbox where run_id like $1) as inbox,
        (select count(*)::int from run_commands where run_id like $1) as commands,
        (select count(*)::int from run_listens where run_id like $1) as listens`,
      [`${id}%`],
    );
    return rows[0]!;
  }

  /** Nothing is left, at the latest after the next sweep. */
  async nothingLeft(id: string, withinMs = 10_000): Promise<void> {
    await eventually(
      async () => {
        const left = await this.leftovers(id);
        if (Object.values(left).some((count) => count > 0)) throw new Error(`left of ${id}: ${JSON.stringify(left)}`);
        return true;
      },
      { withinMs },
    );
  }

  async close(): Promise<void> {
    await this.stack.close();
    await this.other.close();
  }
}
