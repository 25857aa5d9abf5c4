import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { inbound } from '../testing/inbound';
import { standardWebhooks } from './standard-webhooks';

const options = standardWebhooks.options.parse({});
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_760_000_000_000;
const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const VECTOR = 'v1,KfbDIMvl/WpTVy/Tbx+FF1y69foN+epaoZFSOLkNx3Q=';
const body = '{"type":"a.b"}';

const request = (changed: Record<string, string | string[] | undefined> = {}, receivedAt = now) =>
  inbound({
    body,
    headers: { 'webhook-id': 'msg_test', 'webhook-timestamp': '1760000000', 'webhook-signature': VECTOR, ...changed },
    receivedAt,
  });
const verdict = (secrets: string[], ...of: Parameters<typeof request>) =>
  standardWebhooks.verify(request(...of), { secrets, options }, io);

it('accepts the published vector, and the package signs the same', () => {
  expect(verdict([secret])).toEqual({ ok: true });
  expect(new Webhook(secret).sign('msg_test', new Date(now), body)).toBe(VECTOR);
});

it('accepts the old secret of a rotation, one good signature among several, and a secret without prefix', () => {
  expect(verdict(['whsec_bmV3', secret])).toEqual({ ok: true });
  expect(verdict([secret], { 'webhook-signature': `v1,AAAA v2,x nonsense ${VECTOR}` })).toEqual({ ok: true });
  expect(verdict([secret.slice('whsec_'.length)])).toEqual({ ok: true });
});

it('takes public keys for v1a and secrets for v1, never crosswise', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const made = signBytes(null, Buffer.from(`msg_test.1760000000.${body}`), privateKey).toString('base64');
  const v1a = { 'webhook-signature': `v1a,${made}` };
  expect(verdict([`whpk_${raw}`], v1a)).toEqual({ ok: true });
  expect(verdict([secret, `whpk_${raw}`], v1a)).toEqual({ ok: true });
  expect(verdict([`whsec_${raw}`], v1a)).toMatchObject({ code: 'signature-mismatch' });
  // The public key is no secret: what is signed with it as one must not count.
  const forged = new Webhook(`whsec_${raw}`).sign('msg_test', new Date(now), body);
  expect(verdict([`whpk_${raw}`], { 'webhook-signature': forged })).toMatchObject({ code: 'signature-mismatch' });
});

it.each([
  [300_000, true],
  [-300_000, true],
  [301_000, false],
  [-301_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(verdict([secret], {}, now + offset)).toMatchObject(ok ? { ok } : { code: 'timestamp-outside-window' });
});

it.each([
  [{ 'webhook-id': undefined }, 'signature-missing'],
  [{ 'webhook-id': 'msg_other' }, 'signature-mismatch'],
  [{ 'webhook-timestamp': undefined }, 'signature-missing'],
  [{ 'webhook-timestamp': 'soon' }, 'signature-malformed'],
  [{ 'webhook-signature': undefined }, 'signature-missing'],
  [{ 'webhook-signature': [VECTOR, VECTOR] }, 'signature-malformed'],
  [{ 'webhook-signature': VECTOR.slice(3) }, 'signature-malformed'],
  [{ 'webhook-signature': VECTOR.slice(0, -1) }, 'signature-malformed'],
])('refuses %j', (changed, code) => {
  expect(verdict([secret], changed)).toMatchObject({ ok: false, code });
});

it.each([[[]], [['']], [['whsec_']], [['not base64!']], [['whpk_c2hvcnQ=']]])(
  'says that there is no usable secret in %j',
  (secrets) => {
    expect(verdict(secrets)).toMatchObject({ code: 'secret-missing' });
  },
);

it('reads type, time and the signed id', () => {
  const sample = standardWebhooks.sample('order.created', '1');
  const one = inbound({ body: sample.body, headers: { 'webhook-id': 'msg_1' } });
  expect(standardWebhooks.normalize(one, { secrets: [], options })[0]).toMatchObject({
    type: 'order.created',
    time: '2026-11-20T10:00:00.000Z',
    dedupeKey: 'msg_1',
  });
  const other = inbound({ body: '{"event":{"name":"made"}}', headers: { 'webhook-id': 'msg_1' } });
  expect(
    standardWebhooks.normalize(other, { secrets: [], options: { ...options, typePath: 'event.name' } })[0],
  ).toMatchObject({ type: 'made' });
  expect(standardWebhooks.normalize(other, { secrets: [], options })[0]).toMatchObject({ type: 'event' });
});

it.each(['', 'null', '[]', '"x"', '1'])('refuses the body %s', (garbage) => {
  expect(() => standardWebhooks.normalize(inbound({ body: garbage }), { secrets: [], options })).toThrow(/the body/);
});
