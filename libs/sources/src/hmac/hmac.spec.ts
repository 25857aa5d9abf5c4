import { createHmac } from 'node:crypto';
import { inbound } from '../testing/inbound';
import { hmacProvider } from './hmac';

const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const url = 'https://hooks.example.com/v1/in/demo/test';
const sample = hmacProvider.sample('order.created', '1');

const settings = (options: object = {}, secrets = ['s3cret']) => ({
  secrets,
  options: hmacProvider.options.parse(options),
});

/** What `sign` makes, as it would come in. */
function signed(options: object = {}, secrets = ['s3cret']) {
  const made = hmacProvider.sign(sample, { url, keys: { secrets }, options: settings(options).options, now });
  return inbound({ url, body: made.body, headers: made.headers, receivedAt: now });
}

it("accepts GitHub's published vector, since GitHub is one configuration of it", () => {
  const headers = {
    'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  };
  const options = { signatureHeader: 'X-Hub-Signature-256', prefix: 'sha256=' };
  expect(
    hmacProvider.verify(
      inbound({ body: 'Hello, World!', headers }),
      settings(options, ["It's a Secret to Everybody"]),
      io,
    ),
  ).toEqual({ ok: true });
});

const stamped = { timestampHeader: 'X-Time', payloadFormat: '{timestamp}.{body}' };

it.each([
  [{}],
  [{ algorithm: 'sha1' }],
  [{ algorithm: 'sha384', encoding: 'base64', prefix: 'v1=' }],
  [{ algorithm: 'sha512', payloadFormat: '{url}{body}' }],
  [{ ...stamped, timestampUnit: 'ms' }],
  [{ ...stamped, idHeader: 'X-Id', payloadFormat: '{id}.{timestamp}.{body}' }],
])('signs and verifies with %j, and refuses another body', (options) => {
  const request = signed(options);
  expect(hmacProvider.verify(request, settings(options), io)).toEqual({ ok: true });
  expect(hmacProvider.verify(request, settings(options, ['new', 's3cret']), io)).toEqual({ ok: true });
  expect(
    hmacProvider.verify({ ...request, rawBody: Buffer.from(`${sample.body} `) }, settings(options), io),
  ).toMatchObject({ code: 'signature-mismatch' });
});

it('signs the bytes of a body, whatever they are', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
  const headers = { 'x-signature': createHmac('sha256', 's3cret').update(bytes).digest('hex') };
  expect(hmacProvider.verify(inbound({ body: bytes, headers }), settings(), io)).toEqual({ ok: true });
});

it.each([
  [300_000, true],
  [-300_000, true],
  [301_000, false],
  [-301_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  const request = { ...signed(stamped), receivedAt: now + offset };
  expect(hmacProvider.verify(request, settings(stamped), io)).toMatchObject(
    ok ? { ok } : { code: 'timestamp-outside-window' },
  );
});

it('refuses what is missing, repeated or not canonical', () => {
  const verdict = (headers: Record<string, string | string[] | undefined>, options: object = {}) => {
    const request = signed(options);
    return hmacProvider.verify({ ...request, headers: { ...request.headers, ...headers } }, settings(options), io);
  };
  const hex = signed().headers['x-signature'] as string;
  expect(verdict({ 'x-signature': undefined })).toMatchObject({ code: 'signature-missing' });
  expect(verdict({ 'x-signature': [hex, hex] })).toMatchObject({ code: 'signature-malformed' });
  expect(verdict({ 'x-signature': hex.toUpperCase() })).toMatchObject({ code: 'signature-malformed' });
  expect(verdict({ 'x-signature': `${hex} ` })).toMatchObject({ code: 'signature-malformed' });
  expect(verdict({ 'x-signature': hex }, { prefix: 'sha256=' })).toMatchObject({ code: 'signature-malformed' });
  expect(verdict({ 'x-time': undefined }, stamped)).toMatchObject({ ok: false });
  const base64 = signed({ encoding: 'base64' }).headers['x-signature'] as string;
  expect(verdict({ 'x-signature': base64.replace('=', '') }, { encoding: 'base64' })).toMatchObject({
    code: 'signature-malformed',
  });
});

it.each([
  ['hex', Buffer.from('s3cret').toString('hex').toUpperCase()],
  ['base64', Buffer.from('s3cret').toString('base64')],
])('decodes a secret in %s', (secretEncoding, secret) => {
  expect(hmacProvider.verify(signed(), settings({ secretEncoding }, [secret]), io)).toEqual({ ok: true });
});

it.each([
  ['hex', 'not hex'],
  ['hex', 'abc'],
  ['base64', '!!!'],
  ['base64', '='],
  ['utf8', ''],
])('never takes an empty key for a secret that is not %s: %s', (secretEncoding, secret) => {
  const forged = createHmac('sha256', '').update(sample.body).digest('hex');
  const request = inbound({ body: sample.body, headers: { 'x-signature': forged } });
  expect(hmacProvider.verify(request, settings({ secretEncoding }, [secret]), io)).toMatchObject({
    code: 'secret-missing',
  });
});

it.each([
  [{ payloadFormat: '{timestamp}.{body}' }],
  [{ payloadFormat: '{id}.{body}' }],
  [{ payloadFormat: '{url}' }],
  [{ algorithm: 'md5' }],
  [{ unknown: true }],
])('refuses the options %j', (options) => {
  expect(hmacProvider.options.safeParse(options).success).toBe(false);
});

const paths = {
  typePath: 'meta.type',
  idPath: 'meta.id',
  subjectPath: 'order.id',
  orderingKeyPath: 'order.id',
  timePath: 'meta.at',
};

it('finds what its paths say', () => {
  const body = JSON.stringify({ meta: { type: 'paid', id: 'e1', at: 1_795_200_000 }, order: { id: 7 } });
  expect(hmacProvider.normalize(inbound({ body }), settings(paths))[0]).toMatchObject({
    type: 'paid',
    dedupeKey: 'e1',
    subject: '7',
    orderingKey: '7',
    time: new Date(now).toISOString(),
  });
});

it.each(['{}', '[]', '"x"', '1', '{"meta":null}', '{"meta":{"type":{},"id":[]}}', '{"meta":{"type":"","id":""}}'])(
  'reads %s without type or id as a plain event',
  (body) => {
    const [event] = hmacProvider.normalize(inbound({ body }), settings(paths));
    expect(event).toMatchObject({ type: 'event', dedupeKey: undefined, data: JSON.parse(body) as unknown });
  },
);

it('keeps forms as fields and text as text', () => {
  const read = (type: string) =>
    hmacProvider.normalize(inbound({ body: 'a=1&b=x+y', headers: { 'content-type': type } }), settings())[0]!.data;
  expect(read('application/x-www-form-urlencoded')).toEqual({ a: '1', b: 'x y' });
  expect(read('text/plain; charset=utf-8')).toBe('a=1&b=x+y');
  expect(() => read('application/json')).toThrow('not JSON');
});
