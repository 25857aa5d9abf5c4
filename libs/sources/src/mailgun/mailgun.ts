import { z } from 'zod';
import { at, parseObject, requiredText, text, timeOf } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { anySecret, checkWindow, fromHex, hmac, refuse, sameBytes } from '../primitives/signature';
import type { Provider } from '../provider';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
});

/**
 * The signature covers a time and a token, not the event: so the time has a window, and a token may be used once
 * (`replayKey`).
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 */
export const mailgun: Provider<z.infer<typeof options>> = {
  name: 'mailgun',
  title: 'Mailgun',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { toleranceSeconds } }) {
    const body = parseObject(request);
    const [time, token] = [text(body, 'signature', 'timestamp'), text(body, 'signature', 'token')];
    const hex = text(body, 'signature', 'signature');
    if (!time || !token || !hex)
      return refuse('signature-missing', 'the body has no "signature" with timestamp, token and signature');
    const signature = fromHex(hex, 32);
    if (!signature) return refuse('signature-malformed', 'the signature is not hexadecimal');
    const window = checkWindow(time, 's', request, toleranceSeconds);
    if (!window.ok) return window;
    return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, time + token), signature));
  },

  replayKey: (request) => text(parseObject(request), 'signature', 'token'),

  normalize(request) {
    const body = parseObject(request);
    const event = at(body, 'event-data');
    const id = text(event, 'id');
    return [
      {
        type: requiredText(body, 'event-data', 'event'),
        subject: text(event, 'message', 'headers', 'message-id') ?? text(event, 'recipient'),
        time: timeOf(text(event, 'timestamp'), 's'),
        providerId: id,
        dedupeKey: id,
        data: event,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['mailgun-demo-signing-key-0123456789'] }),
  sampleTypes: ['delivered', 'failed'],
  sample: (type, seed) =>
    jsonSample(type, {
      signature: {},
      'event-data': {
        id: `mg_${seed}`,
        event: type,
        timestamp: 1_795_200_000.5,
        recipient: 'ana@example.com',
        message: { headers: { 'message-id': `${seed}@example.com` } },
      },
    }),
  sign(sample, { url, keys, now }) {
    const body = JSON.parse(sample.body) as { 'event-data': { id: string } };
    const timestamp = String(Math.floor(now / 1_000));
    const token = `${body['event-data'].id}-${now}`;
    const signature = hmac('sha256', keys.secrets[0] ?? '', timestamp + token).toString('hex');
    return { url, headers: {}, body: JSON.stringify({ ...body, signature: { timestamp, token, signature } }) };
  },
};
