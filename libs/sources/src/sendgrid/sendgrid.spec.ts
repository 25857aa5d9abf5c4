import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { EventWebhook } from '@sendgrid/eventwebhook';
import { inbound } from '../testing/inbound';
import { sendgrid } from './sendgrid';

const options = sendgrid.options.parse({});
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIME = 'x-twilio-email-event-webhook-timestamp';
const body = sendgrid.sample('delivered', '1').body;

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: { export(as: { format: 'der'; type: 'spki' }): Buffer }) =>
  key.export({ format: 'der', type: 'spki' }).toString('base64');
const secret = spki(pair.publicKey);
const time = String(now / 1_000);
const signature = signBytes('sha256', Buffer.from(time + body), pair.privateKey).toString('base64');

const request = (changed: Record<string, string | string[] | undefined> = {}, receivedAt = now) =>
  inbound({ body, headers: { [SIGNATURE]: signature, [TIME]: time, ...changed }, receivedAt });
const verdict = (secrets: string[], ...of: Parameters<typeof request>) =>
  sendgrid.verify(request(...of), { secrets, options }, io);

it('accepts what the official SDK accepts, under the old key of a rotation too', () => {
  const sdk = new EventWebhook();
  expect(sdk.verifySignature(sdk.convertPublicKeyToECDSA(secret), body, signature, time)).toBe(true);
  expect(verdict([secret])).toEqual({ ok: true });
  expect(verdict([sendgrid.demoKeys().secrets[0]!, secret])).toEqual({ ok: true });
});

it('leaves out keys that are no P-256 key, and takes the good one beside them', () => {
  const others = [
    '',
    'not a key',
    spki(generateKeyPairSync('ed25519').publicKey),
    spki(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
    spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
  ];
  expect(verdict([...others, secret])).toEqual({ ok: true });
  expect(verdict(others)).toMatchObject({ code: 'secret-missing' });
});

it.each([
  [90_000_000, true],
  [-90_000_000, true],
  [90_001_000, false],
  [-90_001_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(verdict([secret], {}, now + offset)).toMatchObject(ok ? { ok } : { code: 'timestamp-outside-window' });
});

it.each([
  [{ [SIGNATURE]: undefined }, 'signature-missing'],
  [{ [SIGNATURE]: [signature, signature] }, 'signature-malformed'],
  [{ [SIGNATURE]: '%%%' }, 'signature-malformed'],
  [{ [SIGNATURE]: 'AAAA' }, 'signature-mismatch'],
  [{ [TIME]: undefined }, 'signature-missing'],
  [{ [TIME]: String(now / 1_000 + 1) }, 'signature-mismatch'],
])('refuses %j', (changed, code) => {
  expect(verdict([secret], changed)).toMatchObject({ ok: false, code });
});

it('reads every event of the array', () => {
  const [one] = JSON.parse(body) as object[];
  const both = JSON.stringify([one, { ...one, event: 'open', sg_event_id: 'ev_2' }]);
  const events = sendgrid.normalize(inbound({ body: both }), { secrets: [], options });
  expect(events).toMatchObject([
    { type: 'delivered', subject: 'msg_1', dedupeKey: 'ev_1', time: new Date(now).toISOString() },
    { type: 'open', subject: 'msg_1', dedupeKey: 'ev_2' },
  ]);
});

it.each(['', 'null', '{}', '"x"', '1', '[null]', '["x"]', '[[]]', '[{"event":{}}]'])(
  'refuses the body %s',
  (garbage) => {
    expect(() => sendgrid.normalize(inbound({ body: garbage }), { secrets: [], options })).toThrow(/the body/);
  },
);
