import {
  BadRequestError,
  type EventInput,
  eventInputSchema,
  eventsInputSchema,
  invalidInput,
  RateLimitedError,
  sha256,
} from '@spillway/contracts';
import { type Accepted, type Acceptor, type Admission, admit } from '@spillway/intake';
import type { Platform } from '@spillway/runtime';
import { allows, type ApiKey } from '@spillway/tenancy';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The name that stands for this way in, where others have a source's. */
const SOURCE = 'api';
const DEDUPE_WINDOW_MS = 86_400_000;
const MOST_KEY_CHARACTERS = 255;

/** What is known of one event of a request. */
interface InContext {
  tenant: string;
  admission: Admission;
  idempotencyKey?: string;
  digest: string;
  index: number;
  single: boolean;
  request: FastifyRequest;
}

/** `POST /v1/events`: events from a tenant's own services. */
export class EventsApi {
  private inFlight = 0;

  constructor(
    private readonly platform: Pick<Platform, 'apiKeys' | 'config' | 'directory' | 'quotas'>,
    private readonly acceptor: Acceptor,
  ) {}

  register(server: FastifyInstance): void {
    server.post('/v1/events', async (request, reply) => {
      const accepted = await this.receive(request);
      return reply.code(202).send(accepted);
    });
  }

  /** @throws SpillwayError 400, 401, 403, 404, 415, 429, 503 */
  private async receive(request: FastifyRequest): Promise<Accepted | { events: Accepted[] }> {
    if (this.inFlight >= this.platform.config.ingress.maxInFlight) {
      throw new RateLimitedError('too many requests are under way', {
        code: 'overloaded',
        status: 429,
        retryAfterMs: 1_000,
      });
    }
    this.inFlight += 1;
    try {
      const key = await this.authenticate(request);
      const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const { inputs, single } = parse(request, raw);
      const idempotencyKey = idempotencyKeyOf(request);
      const digest = sha256(raw);
      const tenants = inputs.map((input) => this.tenantOf(key, input));
      const admissions = await this.admitted(tenants, raw.length);
      const accepted = await Promise.all(
        inputs.map((input, index) => {
          const tenant = tenants[index]!;
          const admission = admissions.get(tenant)!;
          return this.accept(key, input, { tenant, admission, idempotencyKey, digest, index, single, request });
        }),
      );
      return single ? accepted[0]! : { events: accepted };
    } finally {
      this.inFlight -= 1;
    }
  }

  private async authenticate(request: FastifyRequest): Promise<ApiKey> {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.headers['x-api-key'];
    const key = typeof token === 'string' ? await this.platform.apiKeys.find(token) : undefined;
    if (key) return key;
    throw new BadRequestError(token ? 'the API key is not valid' : 'there is no API key', {
      code: 'unauthorized',
      status: 401,
      remedy: 'Send "Authorization: Bearer …"; `spillway apply` with a document of kind ApiKey makes a key.',
    });
  }

  private accept(key: ApiKey, input: EventInput, context: InContext): Promise<Accepted> {
    const { tenant, admission, idempotencyKey, digest, index, single, request } = context;
    const base = idempotencyKey ?? digest;
    const { traceparent, tracestate } = request.headers;
    const body = JSON.stringify(input);
    return this.acceptor.accept({
      tenant,
      source: SOURCE,
      provider: SOURCE,
      type: input.type,
      subject: input.subject,
      time: input.time,
      providerId: input.id,
      dedupeKey: idempotencyKey || input.id === undefined ? (single ? base : `${base}.${index}`) : `id:${input.id}`,
      orderingKey: input.orderingKey,
      data: input.data,
      correlationId: input.correlationId,
      causationId: input.causationId,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      tracestate: typeof tracestate === 'string' ? tracestate : undefined,
      priority: input.priority,
      dedupeWindow: DEDUPE_WINDOW_MS,
      body: { sha256: single ? digest : sha256(body), bytes: Buffer.byteLength(body) },
      createdBy: `key:${key.name}`,
      ...admission,
      delayMs: Math.max(input.delay ?? 0, admission.delayMs ?? 0) || undefined,
    });
  }

  /** Asks the quotas of each tenant once, before any event is accepted: a request is taken whole or not at all. */
  private async admitted(tenants: string[], bytes: number): Promise<Map<string, Admission>> {
    const admissions = new Map<string, Admission>();
    for (const [tenant, { length }] of Map.groupBy(tenants, (one) => one)) {
      const share = Math.ceil((bytes * length) / tenants.length);
      admissions.set(tenant, await admit(this.platform, tenant, { count: length, bytes: share }));
    }
    return admissions;
  }

  private tenantOf(key: ApiKey, input: EventInput): string {
    const tenant = key.tenant ?? input.tenant;
    if (!tenant) {
      throw new BadRequestError('the key belongs to no tenant: name one in "tenant"', { code: 'tenant-missing' });
    }
    if (!allows(key, 'events:write', tenant) || (input.tenant && input.tenant !== tenant)) {
      throw new BadRequestError('the API key may not write events of this tenant', {
        code: 'forbidden',
        status: 403,
        remedy: 'Use a key of the tenant with the scope events:write.',
      });
    }
    if (!this.platform.directory.tenant(tenant)) {
      throw new BadRequestError(`there is no tenant "${tenant}"`, { code: 'tenant-unknown', status: 404 });
    }
    return tenant;
  }
}

/** One event, or `{ "events": [...] }`. */
function parse(request: FastifyRequest, raw: Buffer): { inputs: EventInput[]; single: boolean } {
  const type = request.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new BadRequestError(`"${type ?? ''}" is not taken here`, {
      code: 'content-type-unsupported',
      status: 415,
      remedy: 'Send application/json.',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch (cause) {
    throw new BadRequestError(`the body is not JSON: ${(cause as Error).message}`, { code: 'body-malformed' });
  }
  const many = typeof value === 'object' && value !== null && 'events' in value;
  if (many) {
    const parsed = eventsInputSchema.safeParse(value);
    if (!parsed.success) throw invalidInput(parsed.error);
    return { inputs: parsed.data.events, single: false };
  }
  const parsed = eventInputSchema.safeParse(value);
  if (!parsed.success) throw invalidInput(parsed.error);
  return { inputs: [parsed.data], single: true };
}

function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const value = request.headers['idempotency-key'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length > 0 && value.length <= MOST_KEY_CHARACTERS) return `key:${value}`;
  throw new BadRequestError(`Idempotency-Key must be 1 to ${MOST_KEY_CHARACTERS} characters, once`, {
    code: 'idempotency-key-invalid',
  });
}
