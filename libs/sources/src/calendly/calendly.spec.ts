import { createHmac } from 'node:crypto';
import { inbound } from '../testing/inbound';
import { calendly } from './calendly';

const settings = { secrets: ['key_test'], options: { toleranceSeconds: 180 } };
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const body = calendly.sample('invitee.created', '1').body;

/** As the documentation writes it down; Calendly has no SDK that signs. */
const signature = (time = now / 1_000, secret = 'key_test') =>
  createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
const request = (header: string | string[] | undefined, receivedAt = now) =>
  inbound({ body, headers: { 'calendly-webhook-signature': header }, receivedAt });
const good = `t=${now / 1_000},v1=${signature()}`;

it('accepts a signed request, under the old secret of a rotation too', () => {
  expect(calendly.verify(request(good), settings, io)).toEqual({ ok: true });
  expect(calendly.verify(request(good), { ...settings, secrets: ['new', 'key_test'] }, io)).toEqual({ ok: true });
});

it.each([
  [180_000, true],
  [-180_000, true],
  [181_000, false],
  [-181_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(calendly.verify(request(good, now + offset), settings, io)).toMatchObject(
    ok ? { ok } : { code: 'timestamp-outside-window' },
  );
});

it.each([
  [undefined, 'signature-missing'],
  [[good, good], 'signature-malformed'],
  ['v1=00', 'signature-malformed'],
  [`t=${now / 1_000},${good}`, 'signature-malformed'],
  [`t=${now / 1_000},v1=${signature().toUpperCase()}`, 'signature-malformed'],
  [`t=${now / 1_000},v1=${signature(now / 1_000, 'other')}`, 'signature-mismatch'],
])('refuses the header %s', (header, code) => {
  expect(calendly.verify(request(header), settings, io)).toMatchObject({ ok: false, code });
});

it('makes an identity of event, invitee and time', () => {
  const [event] = calendly.normalize(request(good), settings);
  const uri = 'https://api.calendly.com/scheduled_events/EV1/invitees/1';
  expect(event).toMatchObject({
    type: 'invitee.created',
    subject: uri,
    time: '2026-11-20T10:00:00.000Z',
    dedupeKey: `invitee.created ${uri} 2026-11-20T10:00:00.000000Z`,
  });
});

it.each(['', 'null', '[]', '"x"', '1', '{"event":{}}'])('refuses the body %s', (garbage) => {
  expect(() => calendly.normalize(inbound({ body: garbage }), settings)).toThrow(/the body/);
});
