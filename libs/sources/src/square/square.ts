import { z } from 'zod';
import { isoTime, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { anySecret, fromBase64, hmac, refuse, sameBytes, signatureHeader } from '../primitives/signature';
import type { Provider } from '../provider';

const options = z.strictObject({
  notificationUrl: z.url().optional().describe('Exactly as in the subscription, if it differs from the public URL.'),
});
const HEADER = 'x-square-hmacsha256-signature';

/** @see https://developer.squareup.com/docs/webhooks/step3validate */
export const square: Provider<z.infer<typeof options>> = {
  name: 'square',
  title: 'Square',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { notificationUrl } }) {
    const header = signatureHeader(request, HEADER);
    if (typeof header !== 'string') return header;
    const signature = fromBase64(header);
    if (!signature) return refuse('signature-malformed', `${HEADER} is not base64`);
    const url = notificationUrl ?? request.url;
    return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, url, request.rawBody), signature));
  },

  normalize(request) {
    const body = parseObject(request);
    const id = requiredText(body, 'event_id');
    const subject = text(body, 'data', 'id');
    return [
      {
        type: requiredText(body, 'type'),
        subject,
        time: isoTime(body['created_at']),
        providerId: id,
        dedupeKey: id,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['square-demo-signature-key'] }),
  sampleTypes: ['payment.updated', 'refund.created'],
  sample: (type, seed) =>
    jsonSample(type, {
      merchant_id: 'ML1',
      location_id: 'L1',
      type,
      event_id: seed,
      created_at: '2026-11-20T10:00:00Z',
      data: {
        type: type.split('.')[0],
        id: `p_${seed}`,
        object: { payment: { id: `p_${seed}`, status: 'COMPLETED' } },
      },
    }),
  sign: (sample, { url, keys, options: { notificationUrl } }) => ({
    url,
    headers: {
      [HEADER]: hmac('sha256', keys.secrets[0] ?? '', notificationUrl ?? url, sample.body).toString('base64'),
    },
    body: sample.body,
  }),
};
