import { z } from 'zod';
import { isoTime, parseObject, requiredText, text, timeOf } from '../primitives/body';
import { anySecret, checkWindow, fromHex, hmac, refuse, sameBytes, signatureHeader } from '../primitives/signature';
import type { Provider } from '../provider';
import { stripeSample, stripeSampleTypes } from './samples';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300),
});

/** @see https://docs.stripe.com/webhooks#verify-manually */
export const stripe: Provider<z.infer<typeof options>> = {
  name: 'stripe',
  title: 'Stripe',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { toleranceSeconds } }) {
    const header = signatureHeader(request, 'stripe-signature');
    if (typeof header !== 'string') return header;
    const { timestamp, signatures } = parseHeader(header);
    if (timestamp === undefined || signatures.length === 0) {
      return refuse('signature-malformed', 'stripe-signature is not t=<seconds>,v1=<hex>');
    }
    const window = checkWindow(timestamp, 's', request, toleranceSeconds);
    if (!window.ok) return window;
    return anySecret(secrets, (secret) => {
      const expected = hmac('sha256', secret, `${timestamp}.`, request.rawBody);
      return signatures.some((signature) => sameBytes(expected, signature));
    });
  },

  normalize(request) {
    const body = parseObject(request);
    const id = requiredText(body, 'id');
    // Thin events (`v2.core.event`) name their object, snapshots carry it.
    const subject = text(body, 'data', 'object', 'id') ?? text(body, 'related_object', 'id');
    return [
      {
        type: requiredText(body, 'type'),
        subject,
        time: timeOf(body['created'], 's') ?? isoTime(body['created']),
        providerId: id,
        dedupeKey: id,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['whsec_demo_stripe_0123456789abcdef'] }),
  sampleTypes: stripeSampleTypes,
  sample: stripeSample,
  sign(sample, { url, keys, now }) {
    const timestamp = String(Math.floor(now / 1_000));
    const signature = hmac('sha256', keys.secrets[0] ?? '', `${timestamp}.`, sample.body).toString('hex');
    return { url, headers: { 'stripe-signature': `t=${timestamp},v1=${signature}` }, body: sample.body };
  },
};

/** Schemes other than `v1` are ignored; a second `t` makes the header malformed. */
function parseHeader(header: string): { timestamp?: string; signatures: Buffer[] } {
  const fields = header.split(',').map((field) => field.split('=', 2) as [string, string | undefined]);
  const timestamps = fields.filter(([name]) => name === 't');
  const signatures = fields
    .filter(([name]) => name === 'v1')
    .map(([, value]) => fromHex(value ?? '', 32))
    .filter((signature) => signature !== undefined);
  return { timestamp: timestamps.length === 1 ? timestamps[0]?.[1] : undefined, signatures };
}
