import { createServer } from 'node:http';
import { type BackendName, TestServers } from '@spillway/testing';
import { type Charged, cpuOf, difference, serversOf, sum } from './flows/cpu';
import { flood } from './flood';
import { BATCH_PER_SECOND, median, type Row, SENDERS, type Settings, start } from './measure';

/** What one round came to. */
interface Round {
  perSecond: number;
  /** Processor time of Spillway, PostgreSQL and Redis, in microseconds for each event. */
  cpu: number;
  /** Of Spillway's process alone. */
  own: number;
}

/** Rounds are short and many, so that the median leaves out what else the machine does. */
const ROUNDS_FOR_EACH = 8;

/**
 * Spillway with traces and metrics over OTLP beside itself without: two installations that are warm, each with servers of its
 * own. What is sent is thrown away unread. Throughput is measured in turn. Processor time for each event is measured while
 * both work at the same time, each on as many events: whatever else the machine does then falls on both alike.
 */
export async function measureTelemetry(backend: BackendName, { seconds, rounds }: Settings): Promise<Row[]> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as { port: number };
  const events = Math.ceil((BATCH_PER_SECOND[backend] * seconds) / ROUNDS_FOR_EACH);
  const both: Installation[] = [];
  try {
    both.push(await Installation.start(backend, {}));
    both.push(await Installation.start(backend, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }));
    for (const one of both) await one.round(4 * events);
    const inTurn: [Round[], Round[]] = [[], []];
    const together: [Round[], Round[]] = [[], []];
    for (let round = 0; round < rounds * ROUNDS_FOR_EACH; round += 1) {
      for (const which of round % 2 ? ([1, 0] as const) : ([0, 1] as const)) {
        inTurn[which].push(await both[which]!.round(events));
      }
      const [without, withIt] = await Promise.all(both.map((one) => one.round(events)));
      together[0].push(without!);
      together[1].push(withIt!);
    }
    return [
      row('events done end to end per second', inTurn, 'perSecond'),
      row('CPU µs for each event, with the servers', together, 'cpu'),
      row('CPU µs for each event, Spillway alone', together, 'own'),
    ];
  } finally {
    await Promise.all(both.map((one) => one.close()));
    collector.closeAllConnections();
    collector.close();
  }
}

function row(what: string, [without, withIt]: [Round[], Round[]], of: keyof Round): Row {
  const show = (all: Round[]) => `${Math.round(median(all.map((one) => one[of])))}`;
  const ratios = without.map((one, index) => withIt[index]![of] / one[of]).sort((a, b) => a - b);
  return {
    what,
    'without telemetry': show(without),
    'with telemetry': show(withIt),
    ratio: median(ratios).toFixed(3),
    'all ratios': ratios.map((one) => one.toFixed(2)).join(' '),
  };
}

/** A Spillway that goes on from round to round. */
class Installation {
  private sent = 0;

  private constructor(
    private readonly servers: TestServers,
    private readonly running: Awaited<ReturnType<typeof start>>,
    private readonly charged: Charged[],
  ) {}

  static async start(backend: BackendName, extra: Record<string, string>): Promise<Installation> {
    const servers = await TestServers.start(backend);
    const running = await start('spillway', 'all', servers, extra);
    const charged = [{ what: 'Spillway', pid: running.pid }, ...(await serversOf(servers))];
    return new Installation(servers, running, charged);
  }

  /** So many events, sent in one go and worked off. */
  async round(events: number): Promise<Round> {
    const before = cpuOf(this.charged);
    const began = performance.now();
    const { accepted } = await flood(this.running.url, { events, senders: SENDERS });
    this.sent += accepted;
    await this.running.done(this.sent);
    const took = performance.now() - began;
    const used = difference(cpuOf(this.charged), before);
    return { perSecond: (accepted / took) * 1_000, cpu: sum(used) / accepted, own: used['Spillway']! / accepted };
  }

  async close(): Promise<void> {
    await this.running.close();
    await this.servers.close();
  }
}
