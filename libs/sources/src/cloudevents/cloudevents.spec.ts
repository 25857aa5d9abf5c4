import { createHmac } from 'node:crypto';
import { CloudEvent, HTTP } from 'cloudevents';
import type { InboundRequest } from '../provider';
import { inbound } from '../testing/inbound';
import { cloudevents } from './cloudevents';

const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const settings = (options: object = {}, secrets: string[] = []) => ({
  secrets,
  options: cloudevents.options.parse(options),
});
const read = (request: InboundRequest) => cloudevents.normalize(request, settings());
const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

const event = new CloudEvent({
  id: 'e1',
  source: '/shops/1',
  type: 'com.example.paid',
  subject: 'Ünï "7" 100%',
  time: '2026-11-20T10:00:00.000Z',
  partitionkey: 'p1',
  data: { total: 12 },
});
const expected = {
  type: 'com.example.paid',
  subject: 'Ünï "7" 100%',
  time: '2026-11-20T10:00:00.000Z',
  providerId: 'e1',
  dedupeKey: '/shops/1\ne1',
  orderingKey: 'p1',
  data: { total: 12 },
};

function fromSdk(message: { headers: object; body: unknown }): InboundRequest {
  const headers = Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return inbound({ body: String(message.body), headers: Object.fromEntries(headers) as Record<string, string> });
}

const structured = (value: unknown, type = STRUCTURED) =>
  inbound({ body: JSON.stringify(value), headers: { 'content-type': type } });
const plain = { specversion: '1.0', id: 'i', source: '/s', type: 't' };

it('reads what the official SDK sends: structured, batched and, but for escapes, binary', () => {
  expect(read(fromSdk(HTTP.structured(event)))).toEqual([expected]);
  expect(read(structured([event.toJSON(), { ...plain, data: 1 }], BATCH))).toMatchObject([expected, { type: 't' }]);
  // The SDK writes header values as they are; the specification wants them percent-encoded.
  const simple = event.cloneWith({ subject: 'seven' });
  expect(read(fromSdk(HTTP.binary(simple)))).toEqual([{ ...expected, subject: 'seven' }]);
});

const binary = (headers: Record<string, string | string[]>, body: string | Buffer = '{}') =>
  inbound({
    body,
    headers: { 'ce-specversion': '1.0', 'ce-id': 'i', 'ce-source': '/s', 'ce-type': 't', ...headers },
  });

it.each([
  ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
  ['"a \\"b%20c"', 'a "b c'],
  ['100%', '100%'],
  ['%2541', '%41'],
])('decodes the header value %s once', (value, subject) => {
  expect(read(binary({ 'ce-subject': value }))[0]).toMatchObject({ subject });
});

it.each([
  ['application/json; charset=utf-8', '{"a":1}', { a: 1 }],
  ['application/json', '', null],
  ['text/plain', 'hello', 'hello'],
  ['application/xml', '<a/>', '<a/>'],
  ['application/octet-stream', Buffer.from([255, 0]), { base64: '/wA=' }],
])('keeps binary data of %s', (type, body, data) => {
  expect(read(binary({ 'content-type': type }, body))[0]!.data).toEqual(data);
});

it('leaves out a time that is none', () => {
  expect(read(structured({ ...plain, time: 'garbage' }))[0]!.time).toBeUndefined();
});

it.each(['specversion', 'id', 'source', 'type'])('refuses an event without %s, in both modes', (name) => {
  expect(() => read(structured({ ...plain, [name]: undefined }))).toThrow(name);
  expect(() => read(structured({ ...plain, [name]: 1 }))).toThrow(name);
  expect(() => read(binary({ [`ce-${name}`]: '' }))).toThrow(name);
  expect(() => read(binary({ [`ce-${name}`]: ['a', 'b'] }))).toThrow(name);
});

it.each([null, [], 'x', 1, {}, { ...plain, specversion: '0.3' }, { ...plain, data_base64: 5 }])(
  'refuses %j, alone and in a batch',
  (garbage) => {
    expect(() => read(structured(garbage))).toThrow();
    expect(() => read(structured([garbage], BATCH))).toThrow();
  },
);

it('refuses a batch that is no array, and what is no JSON', () => {
  expect(() => read(structured({}, BATCH))).toThrow('array');
  expect(() => read(inbound({ body: '{', headers: { 'content-type': STRUCTURED } }))).toThrow('not JSON');
});

describe('authentication', () => {
  const request = (headers: InboundRequest['headers']) =>
    inbound({ body: '{}', headers: { 'content-type': STRUCTURED, ...headers }, receivedAt: now });
  const verdict = (headers: InboundRequest['headers'], options: object, secrets: string[]) =>
    cloudevents.verify(request(headers), settings(options, secrets), io);

  it('is bearer with secrets and none without', () => {
    expect(verdict({}, {}, [])).toEqual({ ok: true });
    expect(verdict({ authorization: 'Bearer a' }, {}, ['new', 'a'])).toEqual({ ok: true });
    expect(verdict({ authorization: 'Bearer b' }, {}, ['a'])).toMatchObject({ code: 'signature-mismatch' });
    expect(verdict({ authorization: ['Bearer a', 'Bearer a'] }, {}, ['a'])).toMatchObject({
      code: 'signature-malformed',
    });
    expect(verdict({}, {}, ['a'])).toMatchObject({ code: 'signature-missing' });
    // A secret that is empty must not turn authentication off.
    expect(verdict({ authorization: 'Bearer ' }, {}, [''])).toMatchObject({ code: 'secret-missing' });
    expect(verdict({ authorization: 'Bearer a' }, { authentication: 'bearer' }, [])).toMatchObject({
      code: 'secret-missing',
    });
  });

  it('is a HMAC over the body', () => {
    const hex = createHmac('sha256', 'a').update('{}').digest('hex');
    const options = { authentication: 'hmac' };
    const type = { 'content-type': 'application/cloudevents+json' };
    expect(verdict({ ...type, 'x-signature': hex }, options, ['a'])).toEqual({ ok: true });
    expect(verdict({ ...type, 'x-signature': hex }, options, ['b'])).toMatchObject({ code: 'signature-mismatch' });
    expect(verdict({ ...type, 'x-signature': 'zz' }, options, ['a'])).toMatchObject({ code: 'signature-malformed' });
    // In binary mode the attributes are headers, which it does not cover.
    expect(verdict({ 'content-type': 'application/json', 'x-signature': hex }, options, ['a'])).toMatchObject({
      code: 'signature-malformed',
    });
  });

  it.each(['none', 'bearer', 'hmac', 'standard-webhooks'])('%s: what it signs it accepts', (authentication) => {
    const { secrets } = { secrets: ['whsec_c2VjcmV0IG9mIHNvbWUgbGVuZ3Ro'] };
    const { options } = settings({ authentication });
    const sample = cloudevents.sample('com.example.order.created', '1');
    const made = cloudevents.sign(sample, { url: 'https://x.example', keys: { secrets }, options, now });
    const headers = { ...made.headers, 'content-type': sample.contentType };
    const signed = inbound({ body: made.body, headers, receivedAt: now });
    expect(cloudevents.verify(signed, { secrets, options }, io)).toEqual({ ok: true });
  });
});

describe('handshake', () => {
  const shake = (options: object, origin?: string, method = 'OPTIONS') =>
    cloudevents.handshake!(inbound({ method, headers: { 'webhook-request-origin': origin } }), settings(options));

  it('allows the origin that asks, at a rate', () => {
    expect(shake({ allowedRate: 60 }, 'a.example')).toMatchObject({
      status: 200,
      headers: { allow: 'POST', 'webhook-allowed-origin': 'a.example', 'webhook-allowed-rate': '60' },
    });
    expect(shake({ allowedOrigins: ['a.example'] }, 'a.example')!.headers).toHaveProperty('webhook-allowed-origin');
  });

  it('allows no other, and takes only OPTIONS for one', () => {
    expect(shake({ allowedOrigins: ['a.example'] }, 'b.example')!.headers).toEqual({ allow: 'POST' });
    expect(shake({})!.headers).toEqual({ allow: 'POST' });
    expect(shake({}, 'a.example', 'POST')).toBeUndefined();
  });
});
