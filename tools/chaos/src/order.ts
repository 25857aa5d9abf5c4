import { setTimeout as wait } from 'node:timers/promises';
import { API_VERSION } from '@spillway/contracts';
import { API_KEY, type BackendName, eventually, TestServers, ThirdParty } from '@spillway/testing';
import { Agent, request } from 'undici';
import { SpillwayProcess } from './spillway-process';

export interface OrderOptions {
  backend: BackendName;
  keys: number;
  /** Events of each key. */
  events: number;
  /** Milliseconds between two kill -9 of a worker. */
  killEveryMs: number;
  /** Of the calls, 0 to 1. */
  failures: number;
  withinMs: number;
}

export interface OrderReport {
  keys: number;
  sent: number;
  /** Events whose call succeeded. */
  done: number;
  /** Keys whose calls did not succeed in the order in which their events were accepted. */
  outOfOrder: string[];
  failedCalls: number;
  kills: number;
  seconds: number;
}

const SENDERS = 16;
const WORKERS = 'worker-ingress,worker-integration,worker-analytics';

/** Sends events of many ordering keys to calls that fail now and then, kills workers, and looks at the order. */
export async function runOrder(options: OrderOptions): Promise<OrderReport> {
  const began = Date.now();
  const servers = await TestServers.start(options.backend);
  const third = await ThirdParty.start();
  const seen = new Map<string, number[]>();
  const report = { failedCalls: 0, kills: 0 };
  third.answer = ({ body }) => {
    third.calls.length = 0;
    if (Math.random() < options.failures) {
      report.failedCalls += 1;
      return { status: 503 };
    }
    const { k, n } = JSON.parse(body) as { k: string; n: number };
    const line = seen.get(k) ?? [];
    seen.set(k, line);
    // One that was cut off after its call is made again.
    if (line.at(-1) !== n) line.push(n);
    return undefined;
  };
  const environment = servers.environment({ LOG_LEVEL: 'warn' });
  const edge = await SpillwayProcess.start('ingress-api,admin', environment);
  const workers = await Promise.all([0, 1].map(() => SpillwayProcess.start(WORKERS, environment)));
  const agent = new Agent({ connections: SENDERS });
  let going = true;
  try {
    await configure(edge, third.url);
    const killer = (async () => {
      for (let turn = 0; going; turn += 1) {
        await wait(options.killEveryMs);
        if (!going) return;
        await workers[turn % 2]!.kill();
        report.kills += 1;
        await workers[turn % 2]!.resume();
      }
    })();
    await sendAll(edge.ingressUrl, options, agent);
    const count = () => [...seen.values()].reduce((sum, line) => sum + new Set(line).size, 0);
    await eventually(() => count() >= options.keys * options.events, {
      withinMs: options.withinMs,
      everyMs: 2_000,
      what: 'the last call',
    }).catch(() => undefined);
    going = false;
    await killer;
    const expected = Array.from({ length: options.events }, (_, n) => n).join();
    return {
      keys: options.keys,
      sent: options.keys * options.events,
      done: count(),
      outOfOrder: [...seen].filter(([, line]) => line.join() !== expected).map(([k, line]) => `${k}: ${line.join()}`),
      ...report,
      seconds: Math.round((Date.now() - began) / 1_000),
    };
  } finally {
    going = false;
    await agent.close();
    await Promise.all([edge, ...workers].map((one) => one.kill()));
    await third.close();
    await servers.close();
  }
}

async function configure(edge: SpillwayProcess, url: string): Promise<void> {
  const base = { apiVersion: API_VERSION };
  const to = { http: { url: `${url}/call`, body: '${ .data }' }, attempts: 100 };
  const documents = [
    { ...base, kind: 'Tenant', metadata: { name: 'order' }, spec: {} },
    { ...base, kind: 'Route', metadata: { name: 'call', tenant: 'order' }, spec: { to } },
  ];
  await post(`${edge.adminUrl}/api/v1/apply`, { documents });
}

/** Events of one key one after the other, so that they are accepted in this order; many keys at a time. */
async function sendAll(url: string, { keys, events }: OrderOptions, agent: Agent): Promise<void> {
  const left = Array.from({ length: keys }, (_, index) => `k${index}`);
  const next = new Map(left.map((k) => [k, 0]));
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let k = left.shift(); k !== undefined; k = left.shift()) {
        const n = next.get(k)!;
        await post(`${url}/v1/events`, { tenant: 'order', type: 'x', orderingKey: k, data: { k, n } }, agent);
        next.set(k, n + 1);
        if (n + 1 < events) left.push(k);
      }
    }),
  );
}

async function post(url: string, body: unknown, dispatcher?: Agent): Promise<void> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify(body),
    ...(dispatcher && { dispatcher }),
  });
  const text = await response.body.text();
  if (response.statusCode >= 300) throw new Error(`${response.statusCode}: ${text}`);
}
