import { runKit } from '@spillway/chaos';
import { newId } from '@spillway/contracts';
import { completeDefinition } from '@spillway/flows';
import { expectOutcome, readScenarios, type Scenario, StandIns } from '@spillway/flows/testing';
import type { RunRecord } from '@spillway/persistence';
import { BACKENDS, eventually } from '@spillway/testing';
import { Stack, TENANT } from './stack';

const scenarios = readScenarios().map((scenario) => [`${scenario.feature}: ${scenario.name}`, scenario] as const);

describe.each(BACKENDS)("the specification's conformance kit, through the queues on %s", (backend) => {
  let stack: Stack;
  let standIns: StandIns;

  beforeAll(async () => {
    standIns = await StandIns.start();
    stack = await Stack.start(backend);
    await stack.configure();
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await standIns?.close();
  }, 60_000);

  /** Begins a run with just this input: the kit knows nothing of events. */
  async function start({ definition, input }: Scenario): Promise<string> {
    const flow = completeDefinition(TENANT, 'kit', standIns.redirect(definition) as Record<string, unknown>);
    await stack.platform.runs.keepVersion({ tenant: TENANT, flow: flow.name, ...flow });
    const [id, eventId] = [newId(), newId()];
    const meta = {
      tenant: TENANT,
      priority: 'normal',
      createdBy: 'kit',
      createdAt: Date.now(),
      correlationId: id,
    } as const;
    const job = { run: { id, flow: 'kit' }, route: 'kit', eventId, meta };
    const event = input as never;
    await stack.platform.queues.add('orchestration-flows', { ...job, start: { ...flow, event } }, { id });
    return id;
  }

  it.each(scenarios)('%s', async (_name, scenario) => {
    const id = await start(scenario);
    const run = await eventually(
      async () => {
        const found = await stack.client.get<RunRecord>(`/runs/${id}`).catch(() => undefined);
        return found?.endedAt ? found : undefined;
      },
      { what: 'the end of the run' },
    );
    const order = [...run.tasks].sort((a, b) => a.node - b.node).map(({ name }) => name);
    expect(scenario.expectations.length).toBeGreaterThan(0);
    for (const expectation of scenario.expectations) {
      expectOutcome(expectation, { status: run.status, output: run.output as never, error: run.error, order });
    }
  });
});

/** In short; `npm run chaos:conformance` does it at length. */
describe.each(BACKENDS)("the specification's conformance kit while workers are killed at random, on %s", (backend) => {
  it('comes to the same', async () => {
    const { wrong, runs, kills } = await runKit({ backend, times: 1, killEveryMs: 100, workers: 3 });
    expect(wrong).toEqual([]);
    expect(runs).toBe(scenarios.length);
    expect(kills).toBeGreaterThan(0);
  }, 150_000);
});
