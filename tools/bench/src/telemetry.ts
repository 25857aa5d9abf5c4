import { createServer } from 'node:http';
import { type TestServers } from '@spillway/testing';
import { type Row, type Settings, donePerSecond, median } from './measure';

/** Spillway with traces and metrics over OTLP beside itself without, in turn. What it sends is thrown away unread. */
export async function measureTelemetry(servers: TestServers, { seconds, rounds }: Settings): Promise<Row[]> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as { port: number };
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  const events = (servers.redis ? 1_500 : 200) * seconds;
  const without: number[] = [];
  const withIt: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const isOn of round % 2 ? [true, false] : [false, true]) {
        const rate = await donePerSecond('spillway', servers, events, isOn ? on : {});
        (isOn ? withIt : without).push(rate);
      }
    }
  } finally {
    collector.closeAllConnections();
    collector.close();
  }
  const show = (all: number[]) => `${Math.round(median(all))} (${all.map(Math.round).join(', ')})`;
  return [
    {
      what: 'events done end to end per second',
      'without telemetry': show(without),
      'with telemetry': show(withIt),
      ratio: (median(withIt) / median(without)).toFixed(3),
    },
  ];
}
