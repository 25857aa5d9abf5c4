import { inbound } from '../testing/inbound';
import { mailgun } from './mailgun';

const settings = { secrets: ['k'], options: { toleranceSeconds: 300 } };
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_760_000_000_000;
/** Published vector. */
const signature = {
  timestamp: '1760000000',
  token: 'tok',
  signature: '22985c5c9904dfc0406ffbec6504eba5cad15ee9fe86f1afdf0085f8dca4d914',
};

const request = (changed: object = {}, data: unknown = { id: 'e1', event: 'delivered' }, receivedAt = now) =>
  inbound({ body: JSON.stringify({ signature: { ...signature, ...changed }, 'event-data': data }), receivedAt });

it('accepts the published vector, under the old key of a rotation too', () => {
  expect(mailgun.verify(request(), settings, io)).toEqual({ ok: true });
  expect(mailgun.verify(request(), { ...settings, secrets: ['new', 'k'] }, io)).toEqual({ ok: true });
});

it('cannot see another event under the same signature: so the token is to be used once', () => {
  const forged = request({}, { id: 'e2', event: 'unsubscribed' });
  expect(mailgun.verify(forged, settings, io)).toEqual({ ok: true });
  expect(mailgun.replayKey!(forged, settings)).toBe('tok');
  expect(mailgun.replayKey!(request(), settings)).toBe('tok');
});

it.each([
  [300_000, true],
  [-300_000, true],
  [301_000, false],
  [-301_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(mailgun.verify(request({}, {}, now + offset), settings, io)).toMatchObject(
    ok ? { ok } : { code: 'timestamp-outside-window' },
  );
});

it.each([
  [{ signature: undefined }, 'signature-missing'],
  [{ token: '' }, 'signature-missing'],
  [{ token: ['tok'] }, 'signature-missing'],
  [{ timestamp: null }, 'signature-missing'],
  [{ signature: signature.signature.toUpperCase() }, 'signature-malformed'],
  [{ signature: '00' }, 'signature-malformed'],
  [{ timestamp: '1760000000x' }, 'signature-malformed'],
  [{ timestamp: '1760000001' }, 'signature-mismatch'],
  [{ token: 'tok2' }, 'signature-mismatch'],
])('refuses %j', (changed, code) => {
  expect(mailgun.verify(request(changed), settings, io)).toMatchObject({ ok: false, code });
});

it('signs its own samples, with a token for each', () => {
  const made = ['1', '2'].map((seed) => {
    const { body } = mailgun.sign(mailgun.sample('delivered', seed), {
      url: 'https://x.example',
      keys: { secrets: ['k'] },
      options: settings.options,
      now,
    });
    return inbound({ body, receivedAt: now });
  });
  for (const one of made) expect(mailgun.verify(one, settings, io)).toEqual({ ok: true });
  expect(mailgun.replayKey!(made[0]!, settings)).not.toBe(mailgun.replayKey!(made[1]!, settings));
});

it('reads the event, not its signature', () => {
  const [event] = mailgun.normalize(inbound({ body: mailgun.sample('failed', '1').body }), settings);
  expect(event).toMatchObject({ type: 'failed', subject: '1@example.com', dedupeKey: 'mg_1', data: { id: 'mg_1' } });
  expect(event!.time).toBe(new Date(1_795_200_000_500).toISOString());
});

it.each(['', 'null', '[]', '"x"', '1', '{}', '{"event-data":null}', '{"event-data":{"event":{}}}'])(
  'refuses the body %s',
  (garbage) => {
    expect(() => mailgun.normalize(inbound({ body: garbage }), settings)).toThrow(/the body/);
  },
);
