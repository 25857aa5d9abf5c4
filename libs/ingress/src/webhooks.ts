import { BadRequestError, RateLimitedError } from '@spillway/contracts';
import type { Accepted, Intake, IntakeResult } from '@spillway/intake';
import type { LiveSource, Platform } from '@spillway/runtime';
import type { InboundRequest } from '@spillway/sources';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

interface SourceParams {
  tenant: string;
  source: string;
}

/** `/v1/in/{tenant}/{source}`: where providers send to. Plain Fastify routes, because this is the hot path. */
export class Webhooks {
  private inFlight = 0;

  constructor(
    private readonly platform: Pick<Platform, 'directory' | 'config'>,
    private readonly intake: Intake,
  ) {}

  register(server: FastifyInstance): void {
    server.route<{ Params: SourceParams }>({
      method: ['POST', 'OPTIONS'],
      url: '/v1/in/:tenant/:source',
      handler: (request, reply) => this.receive(request, reply),
    });
  }

  /** @throws SpillwayError 404, 415, 429, and those of the intake */
  private async receive(request: FastifyRequest<{ Params: SourceParams }>, reply: FastifyReply): Promise<FastifyReply> {
    const source = this.sourceOf(request.params);
    const inbound = this.inbound(request, source);
    if (inbound.method !== 'OPTIONS') checkContent(inbound, source);
    if (this.inFlight >= this.platform.config.ingress.maxInFlight) throw overloaded();
    this.inFlight += 1;
    try {
      return answer(reply, await this.intake.take(source, inbound));
    } finally {
      this.inFlight -= 1;
    }
  }

  private sourceOf({ tenant, source }: SourceParams): LiveSource {
    const found = this.platform.directory.source(tenant, source);
    if (!found) {
      throw new BadRequestError(`there is no source "${source}" of tenant "${tenant}"`, {
        code: 'source-unknown',
        status: 404,
        remedy: 'Check the URL; `spillway apply` makes sources.',
      });
    }
    if (!found.spec.enabled) {
      throw new BadRequestError(`the source "${source}" is switched off`, { code: 'source-disabled', status: 404 });
    }
    return found;
  }

  private inbound(request: FastifyRequest, source: LiveSource): InboundRequest {
    return {
      method: request.method,
      url: this.publicUrl(request, source),
      headers: request.headers,
      rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      receivedAt: Date.now(),
    };
  }

  /** What the sender called us: the source's own URL, the installation's, or the one in the request. */
  private publicUrl(request: FastifyRequest, { spec }: LiveSource): string {
    const query = request.url.indexOf('?');
    if (spec.publicUrl) {
      return query < 0 || spec.publicUrl.includes('?') ? spec.publicUrl : spec.publicUrl + request.url.slice(query);
    }
    const base = this.platform.config.ingress.publicUrl ?? `${request.protocol}://${request.host}`;
    return base + request.url;
  }
}

function answer(reply: FastifyReply, result: IntakeResult): FastifyReply {
  const special = result.reply;
  if (special)
    return reply
      .code(special.status)
      .headers(special.headers ?? {})
      .send(special.body);
  const events = result.kind === 'accepted' ? result.events : [];
  return reply.code(202).header('content-type', 'application/json; charset=utf-8').send(toBody(events));
}

/** Written by hand: ids are hexadecimal, and this is the hot path. */
function toBody(events: Accepted[]): string {
  const items = events.map(({ id, duplicate }) => `{"id":"${id}","duplicate":${duplicate}}`);
  return items.length === 1 ? items[0]! : `{"events":[${items.join(',')}]}`;
}

/** A request without a type is taken for what the provider sends. */
function checkContent(request: InboundRequest, { provider }: LiveSource): void {
  if (request.headers['content-encoding'] && request.headers['content-encoding'] !== 'identity') {
    throw new BadRequestError('the body is compressed; a signature covers the bytes before that', {
      code: 'content-encoding-unsupported',
      status: 415,
    });
  }
  const header = request.headers['content-type'];
  if (typeof header !== 'string') return;
  const type = header.split(';', 1)[0]!.trim().toLowerCase();
  if (provider.contentTypes.includes(type)) return;
  throw new BadRequestError(`${provider.title} does not send "${type}"`, {
    code: 'content-type-unsupported',
    status: 415,
    remedy: `Send ${provider.contentTypes.join(' or ')}.`,
  });
}

function overloaded(): RateLimitedError {
  return new RateLimitedError('too many requests are under way', {
    code: 'overloaded',
    status: 429,
    retryAfterMs: 1_000,
  });
}
