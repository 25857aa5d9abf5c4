import { z } from 'zod';
import { isoTime, parseObject, requiredText, text, timeOf } from '../primitives/body';
import { signTimedHeader, type TimedHeader, verifyTimedHeader } from '../primitives/timed-header';
import type { Provider } from '../provider';
import { stripeSample, stripeSampleTypes } from './samples';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
});

const FORMAT: TimedHeader = {
  header: 'stripe-signature',
  delimiter: ',',
  timeField: 't',
  signatureField: 'v1',
  separator: '.',
};

/** @see https://docs.stripe.com/webhooks#verify-manually */
export const stripe: Provider<z.infer<typeof options>> = {
  name: 'stripe',
  title: 'Stripe',
  options,
  contentTypes: ['application/json'],

  verify: (request, { secrets, options: { toleranceSeconds } }) =>
    verifyTimedHeader(FORMAT, request, secrets, toleranceSeconds),

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
  sign: (sample, { url, keys, now }) => ({
    url,
    headers: signTimedHeader(FORMAT, sample.body, keys.secrets[0] ?? '', now),
    body: sample.body,
  }),
};
