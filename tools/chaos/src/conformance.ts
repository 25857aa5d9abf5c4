import { loadConfig } from '@spillway/config';
import { API_VERSION, newId, resourceSchema } from '@spillway/contracts';
import { completeDefinition } from '@spillway/flows';
import { type Ended, expectOutcome, readScenarios, type Scenario, StandIns } from '@spillway/flows/testing';
import { RunRecords } from '@spillway/persistence';
import { openPlatform, type Platform } from '@spillway/runtime';
import { type BackendName, eventually, TestServers } from '@spillway/testing';
import { WorkerPool } from './worker-pool';

const TENANT = 'kit';
const WORKERS = 'worker-ingress,worker-orchestration,worker-integration,worker-notifications,worker-analytics';
/** What a dead worker left is found soon. */
const QUICK = { LOCK_DURATION: '1s', STALLED_INTERVAL: '300ms', RECONCILE_AFTER: '1s', RECONCILE_EVERY: '300ms' };

export interface KitOptions {
  backend: BackendName;
  /** How often each scenario is run. */
  times: number;
  /** Between two kills, on the average: half as long to half as long again, by lot. Milliseconds. */
  killEveryMs: number;
  workers: number;
  /** Runs what `npm run build` made. */
  built?: boolean;
  say?: (line: string) => void;
}

export interface KitReport {
  scenarios: number;
  runs: number;
  kills: number;
  /** What came out otherwise than the kit says. */
  wrong: string[];
  seconds: number;
}

/** The specification's conformance kit through the queues, while worker processes are killed (-9) at random moments. */
export async function runKit({ backend, times, killEveryMs, workers, built, say }: KitOptions): Promise<KitReport> {
  const began = Date.now();
  const servers = await TestServers.start(backend);
  const environment = servers.environment({ ...QUICK, LOG_LEVEL: 'warn' });
  const standIns = await StandIns.start();
  const platform = await openPlatform(loadConfig({ ...environment, LOG_LEVEL: 'silent' }));
  const tenant = { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: TENANT }, spec: {} };
  await platform.resources.apply([resourceSchema.parse(tenant)]);
  const pool = await WorkerPool.start({ roles: WORKERS, environment, size: workers, built });
  const stopKilling = pool.killEvery(() => killEveryMs * (0.5 + Math.random()));
  const scenarios = readScenarios();
  try {
    const wrong: string[] = [];
    for (let time = 1; time <= times; time += 1) {
      const outcomes = await Promise.all(
        scenarios.map(async (scenario) => {
          const problem = await play(platform, scenario, standIns).then(
            () => undefined,
            (error: unknown) => `${scenario.feature}: ${scenario.name}: ${String(error)}`,
          );
          return problem ? [problem] : [];
        }),
      );
      wrong.push(...outcomes.flat());
      say?.(`${time}: ${scenarios.length} runs, ${pool.kills} workers killed so far, ${wrong.length} wrong`);
    }
    await stopKilling();
    const seconds = Math.round((Date.now() - began) / 1_000);
    const fallen = pool.fallen.map((log) => `a worker ended though nobody killed it: ${log}`);
    const runs = scenarios.length * times;
    return { scenarios: scenarios.length, runs, kills: pool.kills, wrong: [...wrong, ...fallen], seconds };
  } finally {
    await stopKilling();
    await pool.close();
    await platform.close();
    await standIns.close();
    await servers.close();
  }
}

/** @throws Error when it ends otherwise than the kit says */
async function play(platform: Platform, scenario: Scenario, standIns: StandIns): Promise<void> {
  const id = await beginScenario(platform, TENANT, scenario, standIns);
  const run = await eventually(() => endOf(platform, id), { withinMs: 120_000, what: 'the end of the run' });
  if (scenario.expectations.length === 0) throw new Error('nothing is expected of it');
  for (const expectation of scenario.expectations) expectOutcome(expectation, run);
}

/** Begins a run with just the scenario's input, as the kit knows nothing of events. @returns the run's id */
export async function beginScenario(
  platform: Platform,
  tenant: string,
  { definition, input }: Scenario,
  standIns: StandIns,
): Promise<string> {
  const flow = completeDefinition(tenant, 'kit', standIns.redirect(definition) as Record<string, unknown>);
  await platform.runs.keepVersion({ tenant, flow: flow.name, ...flow });
  const [id, eventId] = [newId(), newId()];
  const meta = {
    tenant,
    priority: 'normal',
    createdBy: 'kit',
    createdAt: Date.now(),
    correlationId: id,
  } as const;
  const job = { run: { id, flow: 'kit' }, route: 'kit', eventId, meta };
  const start = { ...flow, event: input as never };
  // All runs begin at once while workers start and die: the queues may not take a job in time. Under its id it is one job.
  await eventually(() => platform.queues.add('orchestration-flows', { ...job, start }, { id }), { withinMs: 60_000 });
  return id;
}

/** What there is to see of a run that has ended. */
export async function endOf(platform: Platform, id: string): Promise<Ended | undefined> {
  const run = await new RunRecords(platform.database.db, platform.vault).find(id);
  if (!run?.endedAt) return undefined;
  const order = [...run.tasks].sort((a, b) => a.node - b.node).map(({ name }) => name);
  return { status: run.status, output: run.output as never, error: run.error, order };
}
