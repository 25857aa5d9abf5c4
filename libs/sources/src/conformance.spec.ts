import { SpillwayError } from '@spillway/contracts';
import * as fc from 'fast-check';
import type { InboundRequest, Provider, SourceSettings } from './provider';
import { providers } from './providers';
import { inbound } from './testing/inbound';

const NOW = 1_795_200_000_000;
const URL = 'https://hooks.example.com/v1/in/demo/test';
const io = { fetchCertificate: () => Promise.reject(new Error('nothing is fetched here')) };

/** What is under each provider's signature; a changed bit anywhere in it must be refused. */
interface Signed {
  /** Only a changed value of these counts; `all` unless the signature does not cover the body. */
  body: 'all' | 'none' | 'fields';
  headers: string[];
  /** With `fields`: their names in the body. */
  fields?: string[];
}

const SIGNED: Record<string, Signed> = {
  adyen: {
    body: 'fields',
    headers: [],
    fields: [
      'pspReference',
      'merchantAccountCode',
      'merchantReference',
      'value',
      'currency',
      'eventCode',
      'success',
      'hmacSignature',
    ],
  },
  calendly: { body: 'all', headers: ['calendly-webhook-signature'] },
  cloudevents: { body: 'none', headers: ['authorization'] },
  github: { body: 'all', headers: ['x-hub-signature-256'] },
  gohighlevel: { body: 'all', headers: ['x-ghl-signature'] },
  hmac: { body: 'all', headers: ['x-signature'] },
  mailgun: { body: 'fields', headers: [], fields: ['timestamp', 'token', 'signature'] },
  paddle: { body: 'all', headers: ['paddle-signature'] },
  paypal: { body: 'all', headers: ['paypal-transmission-id', 'paypal-transmission-sig', 'paypal-auth-algo'] },
  retell: { body: 'all', headers: ['x-retell-signature'] },
  sendgrid: {
    body: 'all',
    headers: ['x-twilio-email-event-webhook-signature', 'x-twilio-email-event-webhook-timestamp'],
  },
  shopify: { body: 'all', headers: ['x-shopify-hmac-sha256'] },
  slack: { body: 'all', headers: ['x-slack-signature', 'x-slack-request-timestamp'] },
  square: { body: 'all', headers: ['x-square-hmacsha256-signature'] },
  'standard-webhooks': { body: 'all', headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'] },
  stripe: { body: 'all', headers: ['stripe-signature'] },
  twilio: { body: 'all', headers: ['x-twilio-signature'] },
  vapi: { body: 'none', headers: ['x-vapi-secret'] },
};

function demo(provider: Provider): SourceSettings {
  const keys = provider.demoKeys();
  return { secrets: keys.secrets, options: provider.options.parse(keys.options ?? {}) };
}

function signed(provider: Provider, type: string, seed: string): InboundRequest {
  const sample = provider.sample(type, seed);
  const keys = provider.demoKeys();
  const request = provider.sign(sample, { url: URL, keys, options: demo(provider).options, now: NOW });
  const headers = { 'content-type': sample.contentType, ...sample.headers, ...request.headers };
  return inbound({ url: request.url, headers, body: request.body, receivedAt: NOW });
}

async function verdictOf(provider: Provider, request: InboundRequest, settings = demo(provider)): Promise<string> {
  try {
    const verdict = await provider.verify(request, settings, io);
    return verdict.ok ? 'accepted' : verdict.code;
  } catch (error) {
    // A body that cannot be read is refused, too.
    if (error instanceof SpillwayError) return error.code;
    throw error;
  }
}

it('describes what every provider signs', () => {
  expect(Object.keys(SIGNED).sort()).toEqual(providers.map((provider) => provider.name).sort());
});

describe.each(providers.map((provider) => [provider.name, provider] as const))('%s', (name, provider) => {
  const first = provider.sampleTypes[0]!;

  it.each(provider.sampleTypes)('accepts and reads its sample %s', async (type) => {
    const request = signed(provider, type, 'a1');
    expect(await verdictOf(provider, request)).toBe('accepted');
    const events = provider.normalize(request, demo(provider));
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) {
      expect(event.type).toBe(type);
      expect(JSON.parse(JSON.stringify(event.data))).toEqual(event.data);
      if (event.time !== undefined) expect(new Date(event.time).toISOString().slice(0, 4)).toBe('2026');
    }
    expect(provider.contentTypes).toContain(provider.sample(type, 'a1').contentType);
  });

  it('tells two events apart, and knows one again', () => {
    const keyOf = (seed: string) => {
      const request = signed(provider, first, seed);
      return provider.normalize(request, demo(provider)).map((event) => event.dedupeKey ?? request.rawBody.toString());
    };
    expect(keyOf('a1')).toEqual(keyOf('a1'));
    expect(keyOf('a1')).not.toEqual(keyOf('a2'));
  });

  it('refuses every bit flipped in what is signed', async () => {
    const request = signed(provider, first, 'a1');
    const { body, headers } = SIGNED[name]!;
    for (const header of headers) {
      const value = request.headers[header] as string;
      for (let bit = 0; bit < value.length * 7; bit += 1) {
        const changed = flip(Buffer.from(value, 'latin1'), bit, 7).toString('latin1');
        const result = await verdictOf(provider, { ...request, headers: { ...request.headers, [header]: changed } });
        if (result === 'accepted') throw new Error(`${header} with bit ${bit} flipped was accepted: ${changed}`);
      }
    }
    if (body === 'all') {
      for (let bit = 0; bit < request.rawBody.length * 8; bit += 1) {
        const result = await verdictOf(provider, { ...request, rawBody: flip(request.rawBody, bit, 8) });
        // `%2B` and `%2b` are the same text: Twilio signs the fields, not how they are written.
        if (result === 'accepted' && sameForm(request, flip(request.rawBody, bit, 8))) continue;
        if (result === 'accepted') throw new Error(`the body with bit ${bit} flipped was accepted`);
      }
    }
  });

  it('refuses every bit flipped in the signed fields of a body', async () => {
    const request = signed(provider, first, 'a1');
    for (const field of SIGNED[name]!.fields ?? []) {
      const match = new RegExp(`"${field}":"?([^",{}]+)`).exec(request.rawBody.toString('latin1'))!;
      const end = match.index + match[0].length;
      for (let bit = (end - match[1]!.length) * 8; bit < end * 8; bit += 1) {
        const result = await verdictOf(provider, { ...request, rawBody: flip(request.rawBody, bit, 8) });
        if (result === 'accepted') throw new Error(`${field} with bit ${bit} flipped was accepted`);
      }
    }
  });

  it('refuses a missing, an empty and a repeated signature', async () => {
    const request = signed(provider, first, 'a1');
    for (const header of SIGNED[name]!.headers) {
      for (const value of [undefined, '', [request.headers[header] as string, request.headers[header] as string]]) {
        expect(await verdictOf(provider, { ...request, headers: { ...request.headers, [header]: value } })).not.toBe(
          'accepted',
        );
      }
    }
  });

  it('refuses without a secret, or with another one', async () => {
    const request = signed(provider, first, 'a1');
    const settings = demo(provider);
    if (settings.secrets.length === 0) return;
    const other = settings.secrets.map((secret) => secret.replace(/[A-Za-z0-9]/, (one) => (one === 'A' ? 'B' : 'A')));
    expect(await verdictOf(provider, request, { ...settings, secrets: other })).not.toBe('accepted');
    expect(await verdictOf(provider, request, { ...settings, secrets: [...other, ...settings.secrets] })).toBe(
      'accepted',
    );
    if (!provider.secretOptional) {
      expect(await verdictOf(provider, request, { ...settings, secrets: [] })).not.toBe('accepted');
      expect(await verdictOf(provider, request, { ...settings, secrets: [''] })).not.toBe('accepted');
    }
  });

  it('answers any bytes and any headers with a verdict or an error of ours', async () => {
    const request = signed(provider, first, 'a1');
    const names = Object.keys(request.headers);
    const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.array(fc.string()), fc.constant(undefined));
    const changes = fc.dictionary(fc.constantFrom(...names), value);
    await fc.assert(
      fc.asyncProperty(changes, fc.option(fc.uint8Array()), async (headers, bytes) => {
        const rawBody = bytes ? Buffer.from(bytes) : request.rawBody;
        const garbage = { ...request, headers: { ...request.headers, ...headers }, rawBody };
        await verdictOf(provider, garbage);
        try {
          provider.normalize(garbage, demo(provider));
        } catch (error) {
          expect(error).toBeInstanceOf(SpillwayError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('answers garbage with an error of ours, never a crash', async () => {
    const request = signed(provider, first, 'a1');
    const settings = demo(provider);
    const bodies = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom('null', '[]', '"x"', '1', '{}', '[null]', '{"data":null}'),
      wrongTypes(request),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (body, form) => {
        const headers = form
          ? { ...request.headers, 'content-type': 'application/x-www-form-urlencoded' }
          : request.headers;
        const garbage = { ...request, headers, rawBody: Buffer.from(body) };
        await verdictOf(provider, garbage);
        for (const work of [
          () => provider.normalize(garbage, settings),
          () => provider.reply?.(garbage, settings),
          () => provider.handshake?.(garbage, settings),
          () => provider.replayKey?.(garbage, settings),
        ]) {
          try {
            work();
          } catch (error) {
            expect(error).toBeInstanceOf(SpillwayError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** The provider's own payload with one of its values replaced by something of another type. */
function wrongTypes(request: InboundRequest): fc.Arbitrary<string> {
  const text = request.rawBody.toString();
  const values = [...text.matchAll(/"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?/g)];
  if (values.length === 0) return fc.constant(text);
  return fc
    .tuple(fc.constantFrom(...values), fc.constantFrom('null', '1', '[]', '{}', 'true', '"\\u0000"', '[[1]]'))
    .map(
      ([match, replacement]) => text.slice(0, match.index) + replacement + text.slice(match.index + match[0].length),
    );
}

function sameForm(request: InboundRequest, changed: Buffer): boolean {
  if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return false;
  const fields = (body: Buffer) => JSON.stringify([...new URLSearchParams(body.toString())]);
  return fields(request.rawBody) === fields(changed);
}

function flip(bytes: Buffer, bit: number, width: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[Math.floor(bit / width)]! ^= 1 << (bit % width);
  return copy;
}
