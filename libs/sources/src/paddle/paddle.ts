import { z } from 'zod';
import { isoTime, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { signTimedHeader, type TimedHeader, verifyTimedHeader } from '../primitives/timed-header';
import type { Provider } from '../provider';

const options = z.strictObject({
  // The SDK allows 5 s, past only; two clocks and a slow network need a little more.
  toleranceSeconds: z.number().int().positive().default(30).describe('How far the signed time may be off, both ways.'),
});

/** Every `h1` counts: there are several while a secret is rotated. */
const FORMAT: TimedHeader = {
  header: 'paddle-signature',
  delimiter: ';',
  timeField: 'ts',
  signatureField: 'h1',
  separator: ':',
};

/** @see https://developer.paddle.com/webhooks/signature-verification */
export const paddle: Provider<z.infer<typeof options>> = {
  name: 'paddle',
  title: 'Paddle',
  options,
  contentTypes: ['application/json'],

  verify: (request, { secrets, options: { toleranceSeconds } }) =>
    verifyTimedHeader(FORMAT, request, secrets, toleranceSeconds),

  normalize(request) {
    const body = parseObject(request);
    const id = requiredText(body, 'event_id');
    const subject = text(body, 'data', 'id');
    return [
      {
        type: requiredText(body, 'event_type'),
        subject,
        time: isoTime(body['occurred_at']),
        providerId: id,
        dedupeKey: id,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['pdl_ntfset_demo_0123456789abcdef'] }),
  sampleTypes: ['transaction.completed', 'subscription.canceled'],
  sample: (type, seed) =>
    jsonSample(type, {
      event_id: `evt_${seed}`,
      event_type: type,
      occurred_at: '2026-11-20T10:00:00.000000Z',
      notification_id: `ntf_${seed}`,
      data: {
        id: `${type.startsWith('sub') ? 'sub' : 'txn'}_${seed}`,
        status: type.split('.')[1],
        currency_code: 'USD',
      },
    }),
  sign: (sample, { url, keys, now }) => ({
    url,
    headers: signTimedHeader(FORMAT, sample.body, keys.secrets[0] ?? '', now),
    body: sample.body,
  }),
};
