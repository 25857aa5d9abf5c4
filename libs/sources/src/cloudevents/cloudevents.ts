import { z } from 'zod';
import { isObject, isoTime, malformed, parseJson } from '../primitives/body';
import {
  ACCEPTED,
  anySecret,
  fromHex,
  hmac,
  refuse,
  sameBytes,
  sameText,
  signatureHeader,
} from '../primitives/signature';
import type { InboundRequest, NormalizedEvent, Provider, Verdict } from '../provider';
import { verifyStandardWebhook, signStandardWebhook } from '../standard-webhooks/standard-webhooks';
import { readBinary } from './binary';

const options = z.strictObject({
  authentication: z
    .enum(['none', 'bearer', 'hmac', 'standard-webhooks'])
    .optional()
    .describe('`bearer` if there are secrets, else `none`. `hmac`: hex SHA-256 over the body in `signatureHeader`.'),
  signatureHeader: z.string().toLowerCase().default('x-signature'),
  toleranceSeconds: z.number().int().positive().default(300),
  allowedOrigins: z.array(z.string()).min(1).default(['*']).describe('Who may shake hands (`WebHook-Request-Origin`).'),
  allowedRate: z.number().int().positive().default(6_000).describe('Requests per minute that the handshake allows.'),
});
type Options = z.infer<typeof options>;

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

/**
 * CloudEvents 1.0 over HTTP: binary, structured and batched; they bring no signature, so one is layered on.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export const cloudevents: Provider<Options> = {
  name: 'cloudevents',
  title: 'CloudEvents',
  options,
  secretOptional: true,
  contentTypes: [
    STRUCTURED,
    BATCH,
    'application/json',
    'text/plain',
    'application/xml',
    'text/xml',
    'application/octet-stream',
  ],

  verify: (request, { secrets, options: settings }) => authenticate(request, secrets, settings),

  normalize(request) {
    const type = String(request.headers['content-type'] ?? '')
      .split(';', 1)[0]!
      .trim()
      .toLowerCase();
    if (type === BATCH) {
      const batch = parseJson(request);
      return Array.isArray(batch) ? batch.map(ofStructured) : malformed('a batch is an array of events');
    }
    return [type === STRUCTURED ? ofStructured(parseJson(request)) : ofAttributes(...readBinary(request))];
  },

  /** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection */
  handshake(request, { options: { allowedOrigins, allowedRate } }) {
    if (request.method !== 'OPTIONS') return undefined;
    const origin = request.headers['webhook-request-origin'];
    const allowed = typeof origin === 'string' && (allowedOrigins.includes('*') || allowedOrigins.includes(origin));
    return {
      status: 200,
      headers: {
        allow: 'POST',
        ...(allowed && { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': String(allowedRate) }),
      },
      body: '',
    };
  },

  demoKeys: () => ({ secrets: ['cloudevents-demo-bearer-token'] }),
  sampleTypes: ['com.example.order.created', 'com.example.order.cancelled'],
  sample: (type, seed) => ({
    type,
    contentType: STRUCTURED,
    body: JSON.stringify({
      specversion: '1.0',
      id: seed,
      source: '/shops/demo',
      type,
      subject: `orders/${seed}`,
      time: '2026-11-20T10:00:00Z',
      datacontenttype: 'application/json',
      data: { order: seed, total: 12 },
    }),
  }),
  sign(sample, { url, keys, options: settings, now }) {
    const secret = keys.secrets[0] ?? '';
    const method = settings.authentication ?? (secret ? 'bearer' : 'none');
    const headers: Record<string, string> =
      method === 'bearer'
        ? { authorization: `Bearer ${secret}` }
        : method === 'hmac'
          ? { [settings.signatureHeader]: hmac('sha256', secret, sample.body).toString('hex') }
          : method === 'standard-webhooks'
            ? signStandardWebhook(`msg_${now}`, sample.body, secret, now)
            : {};
    return { url, headers, body: sample.body };
  },
};

/** Structured or batched: then the body is all of the event. */
function isEnveloped(request: InboundRequest): boolean {
  const type = String(request.headers['content-type'] ?? '').toLowerCase();
  return type.startsWith(STRUCTURED) || type.startsWith(BATCH);
}

function authenticate(request: InboundRequest, secrets: readonly string[], settings: Options): Verdict {
  const method = settings.authentication ?? (secrets.length > 0 ? 'bearer' : 'none');
  if (method === 'none') return ACCEPTED;
  if (method !== 'bearer' && !isEnveloped(request)) {
    return refuse(
      'signature-malformed',
      'in binary mode a signature does not cover the attributes: send structured events',
    );
  }
  if (method === 'standard-webhooks') return verifyStandardWebhook(request, secrets, settings.toleranceSeconds);
  if (method === 'bearer') {
    const header = signatureHeader(request, 'authorization');
    return typeof header === 'string' ? anySecret(secrets, (secret) => sameText(`Bearer ${secret}`, header)) : header;
  }
  const header = signatureHeader(request, settings.signatureHeader);
  if (typeof header !== 'string') return header;
  const signature = fromHex(header, 32);
  if (!signature) return refuse('signature-malformed', `${settings.signatureHeader} is not hexadecimal`);
  return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, request.rawBody), signature));
}

function ofStructured(event: unknown): NormalizedEvent {
  if (!isObject(event)) return malformed('an event is not an object');
  const { data, data_base64: base64, ...attributes } = event;
  if (base64 !== undefined && typeof base64 !== 'string') malformed('"data_base64" is not a text');
  return ofAttributes(attributes, base64 === undefined ? data : { base64 });
}

/** @throws BadRequestError `body-malformed` for an event without what every CloudEvent has */
function ofAttributes(attributes: Record<string, unknown>, data: unknown): NormalizedEvent {
  const required = (name: string): string => {
    const value = attributes[name];
    return typeof value === 'string' && value !== '' ? value : malformed(`the event has no "${name}"`);
  };
  if (required('specversion') !== '1.0') malformed('only CloudEvents 1.0 are taken');
  const id = required('id');
  const optional = (name: string) => (typeof attributes[name] === 'string' ? attributes[name] : undefined);
  return {
    type: required('type'),
    subject: optional('subject'),
    time: isoTime(attributes['time']),
    providerId: id,
    dedupeKey: `${required('source')}\n${id}`,
    orderingKey: optional('partitionkey'),
    data: data ?? null,
  };
}
