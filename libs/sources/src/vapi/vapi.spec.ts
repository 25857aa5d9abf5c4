import { createHmac } from 'node:crypto';
import { inbound } from '../testing/inbound';
import { vapi } from './vapi';

const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const body = vapi.sample('status-update', '1').body;
const settings = (options: object = {}, secrets = ['s3cret']) => ({ secrets, options: vapi.options.parse(options) });
const verdict = (headers: Record<string, string | string[] | undefined>, options: object, receivedAt = now) =>
  vapi.verify(inbound({ body, headers, receivedAt }), settings(options), io);

it.each([
  ['secret', 'x-vapi-secret', 's3cret'],
  ['bearer', 'authorization', 'Bearer s3cret'],
])('compares the %s', (authentication, header, value) => {
  const options = { authentication };
  expect(verdict({ [header]: value }, options)).toEqual({ ok: true });
  expect(verdict({ [header]: `${value}x` }, options)).toMatchObject({ code: 'signature-mismatch' });
  expect(verdict({ [header]: [value, value] }, options)).toMatchObject({ code: 'signature-malformed' });
  expect(verdict({}, options)).toMatchObject({ code: 'signature-missing' });
  const request = inbound({ body, headers: { [header]: value } });
  expect(vapi.verify(request, settings(options, ['new', 's3cret']), io)).toEqual({ ok: true });
  expect(vapi.verify(request, settings(options, ['']), io)).toMatchObject({ code: 'secret-missing' });
});

const signed = (time: string | number, format = `${time}.${body}`) => ({
  'x-timestamp': String(time),
  'x-signature': createHmac('sha256', 's3cret').update(format).digest('hex'),
});

it('verifies a HMAC over time and body, seconds or milliseconds', () => {
  const options = { authentication: 'hmac' };
  expect(verdict(signed(now / 1_000), options)).toEqual({ ok: true });
  expect(verdict(signed(now), options)).toEqual({ ok: true });
  expect(verdict(signed(now / 1_000, `x${body}`), options)).toMatchObject({ code: 'signature-mismatch' });
  const { 'x-signature': hex, 'x-timestamp': time } = signed(now / 1_000);
  expect(verdict({ 'x-signature': hex }, options)).toMatchObject({ code: 'signature-missing' });
  expect(verdict({ 'x-timestamp': time, 'x-signature': hex.toUpperCase() }, options)).toMatchObject({
    code: 'signature-malformed',
  });
});

it.each([
  [300_000, true],
  [-300_000, true],
  [301_000, false],
  [-301_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(verdict(signed(now / 1_000), { authentication: 'hmac' }, now + offset)).toMatchObject(
    ok ? { ok } : { code: 'timestamp-outside-window' },
  );
});

it('takes headers and format as configured, and signs like that', () => {
  const options = {
    authentication: 'hmac',
    signatureHeader: 'X-Mine',
    timestampHeader: 'X-At',
    payloadFormat: '{body}|{timestamp}',
  };
  const { headers } = vapi.sign(vapi.sample('status-update', '1'), {
    url: 'https://x.example',
    keys: { secrets: ['s3cret'] },
    options: vapi.options.parse(options),
    now,
  });
  expect(Object.keys(headers).sort()).toEqual(['x-at', 'x-mine']);
  expect(verdict(headers, options)).toEqual({ ok: true });
});

it('checks the organization, once the secret is right', () => {
  const headers = { 'x-vapi-secret': 's3cret' };
  expect(verdict(headers, { orgId: 'org_1' })).toEqual({ ok: true });
  expect(verdict(headers, { orgId: 'org_2' })).toMatchObject({ code: 'account-mismatch' });
  expect(verdict({ 'x-vapi-secret': 'wrong' }, { orgId: 'org_2' })).toMatchObject({ code: 'signature-mismatch' });
});

it('makes an identity of type, call, status and time', () => {
  const read = (type: string) => vapi.normalize(inbound({ body: vapi.sample(type, '1').body }), settings())[0];
  expect(read('status-update')).toMatchObject({
    type: 'status-update',
    subject: 'call_1',
    orderingKey: 'call_1',
    dedupeKey: `status-update call_1 ended ${now}`,
    time: new Date(now).toISOString(),
  });
  expect(read('end-of-call-report')).toMatchObject({ dedupeKey: `end-of-call-report call_1 ${now}` });
});

it('answers the message types it has an answer for', () => {
  const options = { replies: { 'assistant-request': { assistantId: 'a1' } } };
  const reply = (type: string) =>
    vapi.reply!(inbound({ body: JSON.stringify({ message: { type } }) }), settings(options));
  expect(reply('assistant-request')).toMatchObject({ status: 200, body: '{"assistantId":"a1"}' });
  expect(reply('status-update')).toBeUndefined();
  expect(reply('constructor')).toBeUndefined();
});

it.each(['', 'null', '[]', '"x"', '1', '{}', '{"message":null}', '{"message":{"type":[]}}'])(
  'refuses the body %s',
  (garbage) => {
    expect(() => vapi.normalize(inbound({ body: garbage }), settings())).toThrow(/the body/);
    expect(() => vapi.reply!(inbound({ body: garbage }), settings())).toThrow(/the body/);
  },
);
