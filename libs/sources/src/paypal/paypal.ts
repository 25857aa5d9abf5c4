import { sign, verify, type X509Certificate } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { isoTime, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { privateKeyOf } from '../primitives/keys';
import { ACCEPTED, fromBase64, refuse, signatureHeader } from '../primitives/signature';
import type { InboundRequest, Provider, Verdict } from '../provider';
import { checkChain, checkUrl, parseChain } from './certificate';
import { DEMO_CERTIFICATE, DEMO_PRIVATE_KEY } from './demo';

const options = z.strictObject({
  webhookId: z.string().min(1).describe('Of the webhook, from the developer dashboard: it is part of what is signed.'),
  // PayPal retries for three days, and says nothing of the time it signs then.
  toleranceSeconds: z
    .number()
    .int()
    .positive()
    .default(259_200)
    .describe('How far the signed time may be off, both ways.'),
  certificateHosts: z
    .array(z.string().min(1))
    .min(1)
    .default(['paypal.com'])
    .describe('Where certificates may come from, subdomains included.'),
  trustedCertificates: z.array(z.string()).default([]).describe("PEM of roots to trust beside Node's."),
  pinnedCertificate: z
    .string()
    .optional()
    .describe('PEM of the certificate to use instead of fetching one: for offline use.'),
});
type Options = z.infer<typeof options>;

const NAMES = {
  id: 'paypal-transmission-id',
  time: 'paypal-transmission-time',
  signature: 'paypal-transmission-sig',
  url: 'paypal-cert-url',
  algorithm: 'paypal-auth-algo',
} as const;

/** @see https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverification */
export const paypal: Provider<Options> = {
  name: 'paypal',
  title: 'PayPal',
  options,
  secretOptional: true,
  contentTypes: ['application/json'],

  async verify(request, { options: settings }, io) {
    const id = signatureHeader(request, NAMES.id);
    if (typeof id !== 'string') return id;
    const time = signatureHeader(request, NAMES.time);
    if (typeof time !== 'string') return time;
    const header = signatureHeader(request, NAMES.signature);
    if (typeof header !== 'string') return header;
    const algorithm = signatureHeader(request, NAMES.algorithm);
    if (typeof algorithm !== 'string') return algorithm;
    if (algorithm !== 'SHA256withRSA') return refuse('signature-malformed', `${NAMES.algorithm} is not SHA256withRSA`);
    const signature = fromBase64(header);
    if (!signature) return refuse('signature-malformed', `${NAMES.signature} is not base64`);
    const window = checkTime(time, request, settings.toleranceSeconds);
    if (!window.ok) return window;
    const certificate = await certificateOf(request, settings, (url) => io.fetchCertificate(url));
    if ('ok' in certificate) return certificate;
    const signed = signedText(id, time, settings.webhookId, request.rawBody);
    return verify('sha256', Buffer.from(signed), certificate.publicKey, signature)
      ? ACCEPTED
      : refuse('signature-mismatch', 'the signature does not fit the certificate, or the webhookId is another');
  },

  normalize(request) {
    const body = parseObject(request);
    const id = requiredText(body, 'id');
    const subject = text(body, 'resource', 'id');
    return [
      {
        type: requiredText(body, 'event_type'),
        subject,
        time: isoTime(body['create_time']),
        providerId: id,
        dedupeKey: id,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({
    secrets: [],
    signingKey: DEMO_PRIVATE_KEY,
    options: { webhookId: 'WH-DEMO', pinnedCertificate: DEMO_CERTIFICATE },
  }),
  sampleTypes: ['PAYMENT.CAPTURE.COMPLETED', 'BILLING.SUBSCRIPTION.CANCELLED'],
  sample: (type, seed) =>
    jsonSample(type, {
      id: `WH-${seed}`,
      create_time: '2026-11-20T10:00:00Z',
      event_type: type,
      resource: { id: `CAP${seed}`, amount: { value: '12.00', currency_code: 'USD' } },
    }),
  sign(sample, { url, keys, options: settings, now }) {
    const [id, time] = [`tr-${now}`, new Date(now).toISOString().replace(/\.\d{3}Z$/, 'Z')];
    const signed = signedText(id, time, settings.webhookId, Buffer.from(sample.body));
    const headers = {
      [NAMES.id]: id,
      [NAMES.time]: time,
      [NAMES.signature]: sign('sha256', Buffer.from(signed), privateKeyOf(keys)).toString('base64'),
      [NAMES.url]: 'https://api.paypal.com/v1/notifications/certs/CERT-demo',
      [NAMES.algorithm]: 'SHA256withRSA',
    };
    return { url, headers, body: sample.body };
  },
};

function signedText(id: string, time: string, webhookId: string, body: Buffer): string {
  return `${id}|${time}|${webhookId}|${crc32(body)}`;
}

function checkTime(time: string, request: InboundRequest, toleranceSeconds: number): Verdict {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return refuse('signature-malformed', `${NAMES.time} is not a time`);
  if (Math.abs(request.receivedAt - at) <= toleranceSeconds * 1_000) return ACCEPTED;
  return refuse('timestamp-outside-window', `the signed time is more than ${toleranceSeconds} s off`);
}

async function certificateOf(
  request: InboundRequest,
  settings: Options,
  fetchPem: (url: string) => Promise<string>,
): Promise<X509Certificate | Extract<Verdict, { ok: false }>> {
  const untrusted = (reason: string) => refuse('key-untrusted', reason) as Extract<Verdict, { ok: false }>;
  if (settings.pinnedCertificate) {
    const [pinned] = parseChain(settings.pinnedCertificate);
    return pinned ?? untrusted('the pinned certificate is not PEM');
  }
  const url = signatureHeader(request, NAMES.url);
  if (typeof url !== 'string') return url as Extract<Verdict, { ok: false }>;
  const wrongUrl = checkUrl(url, settings.certificateHosts);
  if (wrongUrl) return untrusted(wrongUrl);
  const chain = parseChain(await fetchPem(url));
  const wrong = checkChain(chain, settings.trustedCertificates, settings.certificateHosts, request.receivedAt);
  return wrong ? untrusted(wrong) : chain[0]!;
}
