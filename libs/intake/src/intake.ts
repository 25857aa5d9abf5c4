import { BadRequestError, sha256, SpillwayError } from '@spillway/contracts';
import type { LiveSource, Platform } from '@spillway/runtime';
import type { InboundRequest, NormalizedEvent, Reply } from '@spillway/sources';
import type { Accepted, Acceptor } from './acceptor';
import { type Admission, admit } from './admission';
import { CertificateCache } from './certificates';

export type IntakeResult =
  /** Durable: the events, and the answer the provider wants if it is not ours. */
  | { kind: 'accepted'; events: Accepted[]; reply?: Reply }
  /** A challenge or handshake: an answer, no events. */
  | { kind: 'answered'; reply: Reply };

/** From a request at a source to durable events: verify, normalize, accept. What fails goes to quarantine. */
export class Intake {
  private readonly io: CertificateCache;
  private readonly held = new Map<string, { count: number; at: number }>();

  constructor(
    private readonly platform: Pick<
      Platform,
      'quarantine' | 'usedTokens' | 'log' | 'config' | 'egress' | 'quotas' | 'directory'
    >,
    private readonly acceptor: Acceptor,
  ) {
    this.io = new CertificateCache(platform.egress.gate().dispatcher);
  }

  /**
   * @throws SpillwayError 401 with the reason when the signature does not hold, 400 for a body that is not the
   * provider's (both quarantined), 429 when the tenant has used up a quota, 503 when nothing could store the events
   */
  async take(source: LiveSource, request: InboundRequest): Promise<IntakeResult> {
    try {
      return await this.process(source, request);
    } catch (error) {
      if (error instanceof SpillwayError && (error.status === 401 || error.code === 'body-malformed')) {
        await this.hold(source, request, error);
      }
      throw error;
    }
  }

  /**
   * A quarantined request once more, as at the time when it came in.
   *
   * @throws SpillwayError what still is wrong with it
   */
  async release(source: LiveSource, request: InboundRequest): Promise<Accepted[]> {
    const result = await this.process(source, request);
    return result.kind === 'accepted' ? result.events : [];
  }

  private async process(source: LiveSource, request: InboundRequest): Promise<IntakeResult> {
    const { provider, settings } = source;
    if (request.method === 'OPTIONS') {
      const reply = provider.handshake?.(request, settings);
      return { kind: 'answered', reply: reply ?? { status: 204, headers: { allow: 'POST, OPTIONS' }, body: '' } };
    }
    // Most verdicts are there at once.
    const given = provider.verify(request, settings, this.io);
    const verdict = 'then' in given ? await given : given;
    if (!verdict.ok) throw refused(verdict.code, verdict.reason);
    const challenge = provider.handshake?.(request, settings);
    if (challenge) return { kind: 'answered', reply: challenge };
    const events = provider.normalize(request, settings);
    const digest = sha256(request.rawBody);
    const token = provider.replayKey?.(request, settings);
    if (token !== undefined) await this.checkReplay(source, token, digest);
    const body = { sha256: digest, bytes: request.rawBody.length };
    const admission = await admit(this.platform, source.tenant, { count: events.length, bytes: body.bytes });
    const accepted = await Promise.all(
      events.map((event, index) =>
        this.accept(source, request, event, {
          body,
          key: events.length > 1 ? `${digest}.${index}` : digest,
          admission,
        }),
      ),
    );
    return { kind: 'accepted', events: accepted, reply: provider.reply?.(request, settings) };
  }

  private accept(
    source: LiveSource,
    request: InboundRequest,
    event: NormalizedEvent,
    { body, key, admission }: { body: { sha256: string; bytes: number }; key: string; admission: Admission },
  ): Promise<Accepted> {
    const { provider, spec } = source;
    const { traceparent, tracestate } = request.headers;
    return this.acceptor.accept({
      tenant: source.tenant,
      source: source.name,
      provider: provider.name,
      type: `${provider.name}.${event.type}`,
      subject: event.subject,
      time: event.time,
      providerId: event.providerId,
      dedupeKey: event.dedupeKey ?? key,
      orderingKey: event.orderingKey,
      data: event.data,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      tracestate: typeof tracestate === 'string' ? tracestate : undefined,
      priority: spec.priority,
      dedupeWindow: spec.dedupeWindow,
      body,
      createdBy: 'ingress-api',
      ...admission,
    });
  }

  /** Where the signature does not cover the body, what it does cover may come once. */
  private async checkReplay(source: LiveSource, token: string, digest: string): Promise<void> {
    const use = await this.platform.usedTokens
      .use(source.tenant, source.name, token, digest)
      // Without PostgreSQL the time window has to do: an event in hand is worth more.
      .catch(() => 'fresh' as const);
    if (use === 'other') throw refused('signature-replayed', 'the signature was used before, with another body');
  }

  private async hold(source: LiveSource, request: InboundRequest, error: SpillwayError): Promise<void> {
    const { tenant, name } = source;
    const about = { tenant, source: name, code: error.code };
    if ((await this.heldBy(tenant, name)) >= this.platform.config.ingress.maxQuarantine) {
      this.platform.log.warn(about, 'quarantine of the source is full: request refused and not kept');
      return;
    }
    try {
      const id = await this.platform.quarantine.hold({
        tenant,
        source: name,
        code: error.code,
        reason: error.message,
        method: request.method,
        url: request.url,
        headers: withoutUndefined(request.headers),
        body: request.rawBody,
        receivedAt: new Date(request.receivedAt),
      });
      this.platform.log.warn({ ...about, quarantine: id }, 'request quarantined');
    } catch (cause) {
      this.platform.log.error({ ...about, err: cause }, 'request refused and could not be quarantined');
    }
  }

  /** Counted once a second at most: a flood of forgeries must not become a flood of queries. */
  private async heldBy(tenant: string, source: string): Promise<number> {
    const key = `${tenant}/${source}`;
    const known = this.held.get(key);
    if (known && Date.now() - known.at < 1_000) return known.count++;
    const count = await this.platform.quarantine.countHeld(tenant, source).catch(() => 0);
    this.held.set(key, { count, at: Date.now() });
    return count;
  }
}

function refused(code: string, reason: string): BadRequestError {
  return new BadRequestError(reason, {
    code,
    status: 401,
    remedy: 'The request is kept in quarantine: mend the secret or options of the source, then release it.',
  });
}

function withoutUndefined(headers: InboundRequest['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => !!entry[1]),
  );
}
