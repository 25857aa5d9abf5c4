import { parse, type Type } from 'protobufjs';
import { eventually } from '../eventually';
import { HttpServer } from './http-server';

/** What of OTLP (opentelemetry-proto 1.x) a test looks at. */
const PROTO = `syntax = "proto3";
message AnyValue { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Link { bytes trace_id = 1; bytes span_id = 2; repeated KeyValue attributes = 4; }
message Event { fixed64 time = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; repeated Event events = 11;
  repeated Link links = 13; Status status = 15; }
message ScopeSpans { repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Traces { repeated ResourceSpans resource_spans = 1; }
message Metric { string name = 1; string unit = 3; }
message ScopeMetrics { repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Metrics { repeated ResourceMetrics resource_metrics = 1; }`;

const { root } = parse(PROTO, { keepCase: false });
const TRACES: Type = root.lookupType('Traces');
const METRICS: Type = root.lookupType('Metrics');

/** A span as it arrived. Ids are hexadecimal. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  failed: boolean;
  service: string;
  durationMs: number;
}

interface RawSpan {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  name: string;
  kind: number;
  start: { toString(): string };
  end: { toString(): string };
  attributes: KeyValue[];
  links: { traceId: Buffer; spanId: Buffer }[];
  status?: { code: number };
}

interface KeyValue {
  key: string;
  value?: Record<string, unknown>;
}

/** Takes traces and metrics over OTLP/HTTP, as a collector does, and keeps them for a test to look at. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics = new Set<string>();
  /** Headers of the last request. */
  headers: Record<string, unknown> = {};

  private constructor(private readonly server: HttpServer) {}

  static async start(): Promise<OtlpReceiver> {
    const holder: { self?: OtlpReceiver } = {};
    const handler: Parameters<typeof HttpServer.start>[0] = Object.fromEntries(
      ['/v1/traces', '/v1/metrics'].map((path) => [
        path,
        (request, response) => {
          holder.self!.take(path, request.headers, request.body);
          response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
        },
      ]),
    );
    const server = await HttpServer.start(handler);
    return (holder.self = new OtlpReceiver(server));
  }

  get url(): string {
    return this.server.url;
  }

  /** Spans of one trace, by when they began to arrive. */
  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /** Waits for spans that say what `find` looks for. */
  async until(find: (spans: ReceivedSpan[]) => boolean, what: string): Promise<void> {
    await eventually(async () => find(this.spans), { what });
  }

  async close(): Promise<void> {
    await this.server.close();
  }

  private take(path: string, headers: Record<string, unknown>, body: Buffer): void {
    this.headers = headers;
    if (path === '/v1/traces') this.takeTraces(body);
    if (path === '/v1/metrics') this.takeMetrics(body);
  }

  private takeTraces(body: Buffer): void {
    const { resourceSpans } = TRACES.decode(body) as unknown as {
      resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: RawSpan[] }[] }[];
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const { spans } of scopeSpans) this.spans.push(...spans.map((span) => received(span, service)));
    }
  }

  private takeMetrics(body: Buffer): void {
    const { resourceMetrics } = METRICS.decode(body) as unknown as {
      resourceMetrics: { scopeMetrics: { metrics: { name: string }[] }[] }[];
    };
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics) for (const { name } of metrics) this.metrics.add(name);
  }
}

function received(span: RawSpan, service: string): ReceivedSpan {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    attributes: valuesOf(span.attributes),
    links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
    failed: span.status?.code === 2,
    service,
    durationMs: Number(BigInt(span.end.toString()) - BigInt(span.start.toString())) / 1e6,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function valuesOf(attributes: KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { s, b, i, d } = (value ?? {}) as { s?: string; b?: boolean; i?: { toString(): string }; d?: number };
      const kind = (value as { value?: string } | undefined)?.value;
      return [key, kind === 'i' ? Number(i!.toString()) : kind === 'd' ? d : kind === 'b' ? b : s];
    }),
  );
}
