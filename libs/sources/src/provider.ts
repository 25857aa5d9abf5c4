import type { z } from 'zod';

/** An HTTP request as it came in, before anything was parsed. */
export interface InboundRequest {
  method: string;
  /** The public URL the sender used, query included; some providers sign it. */
  url: string;
  /** Lower-case names; a repeated header is an array. */
  headers: Record<string, string | string[] | undefined>;
  /** The bytes on the wire: verify these, never a re-serialized body. */
  rawBody: Buffer;
  /** Our clock when the request arrived, Unix milliseconds. */
  receivedAt: number;
}

/** A source as its tenant configured it, secrets resolved. */
export interface SourceSettings<Options = unknown> {
  /** Every secret that is valid now, newest first (rotation); for asymmetric senders, their public keys. */
  secrets: readonly string[];
  /** Validated by the provider's `options` schema, defaults filled in. */
  options: Options;
}

/** What a check of the signature came to; a refusal says why in words an operator can act on. */
export type Verdict = { ok: true } | { ok: false; code: RefusalCode; reason: string };

export type RefusalCode =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-mismatch'
  | 'timestamp-missing'
  | 'timestamp-outside-window'
  | 'secret-missing'
  | 'key-untrusted'
  | 'account-mismatch'
  | 'body-malformed';

/** One event inside a request; the edge adds our id, tenant and trace. */
export interface NormalizedEvent {
  /** The provider's own type, without the provider's name: `payment_intent.succeeded`. */
  type: string;
  /** The provider's object the event is about. */
  subject?: string;
  /** When it happened, RFC 3339, if the payload says so. */
  time?: string;
  /** The provider's id of this event, if it has one. */
  providerId?: string;
  /** What makes two deliveries the same event; without it the SHA-256 of the raw body is used. */
  dedupeKey?: string;
  /** Work with the same key is done in order. */
  orderingKey?: string;
  data: unknown;
}

/** An HTTP answer that is not the plain `202 { id, duplicate }`. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** What a provider may need from outside; only PayPal does. */
export interface ProviderIo {
  /** The PEM text at a URL, cached; the caller has checked the URL. */
  fetchCertificate(url: string): Promise<string>;
}

/** A realistic payload of one type, for `spillway send`, demos and tests. */
export interface Sample {
  type: string;
  contentType: string;
  body: string;
  /** Further headers the provider would send (topic, delivery id …), unsigned. */
  headers?: Record<string, string>;
}

/** Key material of a made-up account, so that a demo source can be signed for without the provider. */
export interface DemoKeys {
  /** What goes into the source's `secrets`. */
  secrets: string[];
  /** What the sender holds, when it differs from the secrets (asymmetric signatures). */
  signingKey?: string;
  /** Options the demo source needs. */
  options?: Record<string, unknown>;
}

/**
 * A webhook sender: how its requests are verified and what they mean. Everything here is a function of its
 * arguments, so that it can be tested without a server.
 */
export interface Provider<Options = unknown> {
  /** The word in configuration and in event types: `stripe`. */
  name: string;
  title: string;
  /** The source's `options`; unknown keys are an error. */
  options: z.ZodType<Options>;
  /** Whether a source of this provider makes sense without a secret (CloudEvents behind a gateway, say). */
  secretOptional?: boolean;
  /** Content types it sends, without parameters; others get a 415. */
  contentTypes: readonly string[];
  verify(request: InboundRequest, settings: SourceSettings<Options>, io: ProviderIo): Verdict | Promise<Verdict>;
  /**
   * The events in a verified request: one, several, or none (a ping).
   * @throws SpillwayError `body-malformed` (permanent, 400) when the body is not what the provider sends.
   */
  normalize(request: InboundRequest, settings: SourceSettings<Options>): NormalizedEvent[];
  /** A value under the signature that may be used once, where the signature does not cover the body (Mailgun's token). */
  replayKey?(request: InboundRequest, settings: SourceSettings<Options>): string | undefined;
  /** The answer the provider wants once its events are durable; none means 202 with our JSON. */
  reply?(request: InboundRequest, settings: SourceSettings<Options>): Reply | undefined;
  /** Requests that are not events: an OPTIONS handshake, a challenge. Called after `verify` unless method is OPTIONS. */
  handshake?(request: InboundRequest, settings: SourceSettings<Options>): Reply | undefined;
  demoKeys(): DemoKeys;
  sampleTypes: readonly string[];
  /** @param seed makes ids unique and repeatable. */
  sample(type: string, seed: string): Sample;
  /** The signed headers (and, where the signature is inside it, the changed body) of a request to `url`. */
  sign(
    sample: Sample,
    context: { url: string; keys: DemoKeys; options: Options; now: number },
  ): { url: string; headers: Record<string, string>; body: string };
}
