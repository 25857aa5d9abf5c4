import { sign, verify } from 'node:crypto';
import { z } from 'zod';
import { malformed, parseJson, requiredText, text, timeOf } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { privateKeyOf, publicKeysOf } from '../primitives/keys';
import { ACCEPTED, checkWindow, fromBase64, refuse, signatureHeader } from '../primitives/signature';
import type { Provider } from '../provider';

const options = z.strictObject({
  // A retry may keep the time of the first try, and retries go on for 24 h.
  toleranceSeconds: z
    .number()
    .int()
    .positive()
    .default(90_000)
    .describe('How far the signed time may be off, both ways.'),
});
const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIME = 'x-twilio-email-event-webhook-timestamp';

/** A made-up account's P-256 pair, for demos and samples. */
const DEMO_PUBLIC_KEY =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPh3W5TaMRPYTfUnZeDT1W9GVVyz2Y48zJ5k2q7HPVjDUTaM8LlVoAe2VlOGIOS0a0oUQtFU3DbtrNOVuAgzNnQ==';
const DEMO_PRIVATE_KEY =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtOaNtlk8fQk4tIGZvHUiS2YEjZPJLm0fJ8c1wBov9T+hRANCAAQ+HdblNoxE9hN9Sdl4NPVb0ZVXLPZjjzMnmTarsc9WMNRNozwuVWgB7ZWU4Yg5LRrShRC0VTcNu2s05W4CDM2d';

/**
 * ECDSA P-256 over time and body. A source's secrets are the public keys SendGrid shows (base64 SPKI).
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export const sendgrid: Provider<z.infer<typeof options>> = {
  name: 'sendgrid',
  title: 'SendGrid',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { toleranceSeconds } }) {
    const header = signatureHeader(request, SIGNATURE);
    if (typeof header !== 'string') return header;
    const time = signatureHeader(request, TIME);
    if (typeof time !== 'string') return time;
    const signature = fromBase64(header);
    if (!signature) return refuse('signature-malformed', `${SIGNATURE} is not base64`);
    const window = checkWindow(time, 's', request, toleranceSeconds);
    if (!window.ok) return window;
    const signed = Buffer.concat([Buffer.from(time), request.rawBody]);
    // A key of another kind makes `verify` throw, and would spoil the good one beside it.
    const keys = publicKeysOf(secrets).filter((key) => key.asymmetricKeyDetails?.namedCurve === 'prime256v1');
    if (keys.length === 0) return refuse('secret-missing', 'the source has no P-256 public key (base64 SPKI)');
    const good = keys.some((key) => verify('sha256', signed, key, signature));
    return good ? ACCEPTED : refuse('signature-mismatch', 'the signature fits none of the keys');
  },

  normalize(request) {
    const body = parseJson(request);
    if (!Array.isArray(body)) return malformed('the body is not an array of events');
    return body.map((event: unknown) => {
      const id = text(event, 'sg_event_id');
      return {
        type: requiredText(event, 'event'),
        subject: text(event, 'sg_message_id'),
        time: timeOf(text(event, 'timestamp'), 's'),
        providerId: id,
        dedupeKey: id,
        data: event,
      };
    });
  },

  demoKeys: () => ({ secrets: [DEMO_PUBLIC_KEY], signingKey: DEMO_PRIVATE_KEY }),
  sampleTypes: ['delivered', 'bounce', 'open'],
  sample: (type, seed) =>
    jsonSample(type, [
      {
        email: 'ana@example.com',
        timestamp: 1_795_200_000,
        event: type,
        sg_event_id: `ev_${seed}`,
        sg_message_id: `msg_${seed}`,
      },
    ]),
  sign(sample, { url, keys, now }) {
    const time = String(Math.floor(now / 1_000));
    const signature = sign('sha256', Buffer.from(time + sample.body), privateKeyOf(keys)).toString('base64');
    return { url, headers: { [TIME]: time, [SIGNATURE]: signature }, body: sample.body };
  },
};
