import { z } from 'zod';
import { isoTime, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { signTimedHeader, type TimedHeader, verifyTimedHeader } from '../primitives/timed-header';
import type { Provider } from '../provider';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(180).describe('How far the signed time may be off, both ways.'),
});

const FORMAT: TimedHeader = {
  header: 'calendly-webhook-signature',
  delimiter: ',',
  timeField: 't',
  signatureField: 'v1',
  separator: '.',
};

/** @see https://developer.calendly.com/api-docs/ZG9jOjM2MzE2MDM4-webhook-signatures */
export const calendly: Provider<z.infer<typeof options>> = {
  name: 'calendly',
  title: 'Calendly',
  options,
  contentTypes: ['application/json'],

  verify: (request, { secrets, options: { toleranceSeconds } }) =>
    verifyTimedHeader(FORMAT, request, secrets, toleranceSeconds),

  normalize(request) {
    const body = parseObject(request);
    const type = requiredText(body, 'event');
    const subject = text(body, 'payload', 'uri');
    const made = text(body, 'created_at');
    return [
      {
        type,
        subject,
        time: isoTime(made),
        // Calendly's events have no id of their own.
        dedupeKey: subject && made && `${type} ${subject} ${made}`,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['calendly_demo_signing_key_0123456789'] }),
  sampleTypes: ['invitee.created', 'invitee.canceled'],
  sample: (type, seed) =>
    jsonSample(type, {
      event: type,
      created_at: '2026-11-20T10:00:00.000000Z',
      created_by: 'https://api.calendly.com/users/DEMO',
      payload: {
        uri: `https://api.calendly.com/scheduled_events/EV1/invitees/${seed}`,
        email: 'ana@example.com',
        name: 'Ana Example',
        status: type === 'invitee.created' ? 'active' : 'canceled',
      },
    }),
  sign: (sample, { url, keys, now }) => ({
    url,
    headers: signTimedHeader(FORMAT, sample.body, keys.secrets[0] ?? '', now),
    body: sample.body,
  }),
};
