import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { at, isoTime, malformed, parseJson, timeOf } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import {
  anySecret,
  checkWindow,
  fromBase64,
  fromHex,
  hmac,
  refuse,
  sameBytes,
  secretKey,
  signatureHeader,
  single,
} from '../primitives/signature';
import type { InboundRequest, Provider } from '../provider';

const header = z.string().min(1).toLowerCase();
const path = z.string().min(1).describe('A path of keys in the body, such as `data.id`.');

const options = z
  .strictObject({
    algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256'),
    signatureHeader: header.default('x-signature'),
    prefix: z.string().default('').describe('Before the signature in its header: `sha256=`.'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    payloadFormat: z
      .string()
      .includes('{body}')
      .default('{body}')
      .describe('What is signed: `{body}`, `{timestamp}.{body}`, `{url}{body}`, `{id}.{timestamp}.{body}`.'),
    timestampHeader: header.optional(),
    timestampUnit: z.enum(['s', 'ms']).default('s'),
    idHeader: header.optional(),
    toleranceSeconds: z
      .number()
      .int()
      .positive()
      .default(300)
      .describe('How far the signed time may be off, both ways.'),
    secretEncoding: z.enum(['utf8', 'hex', 'base64']).default('utf8'),
    type: z.string().min(1).default('event').describe('The type of events that say none.'),
    typePath: path.optional(),
    idPath: path.optional(),
    subjectPath: path.optional(),
    timePath: path.optional(),
    orderingKeyPath: path.optional(),
  })
  .refine((given) => !given.payloadFormat.includes('{timestamp}') || given.timestampHeader, {
    message: 'is needed, since payloadFormat has a {timestamp}',
    path: ['timestampHeader'],
  })
  .refine((given) => !given.payloadFormat.includes('{id}') || given.idHeader, {
    message: 'is needed, since payloadFormat has an {id}',
    path: ['idHeader'],
  });
type Options = z.infer<typeof options>;

const SIZE = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;

/** Any sender that signs with a shared secret; everything about it is configured. */
export const hmacProvider: Provider<Options> = {
  name: 'hmac',
  title: 'Generic HMAC',
  options,
  contentTypes: ['application/json', 'application/x-www-form-urlencoded', 'text/plain'],

  verify(request, { secrets, options: settings }) {
    const given = signatureHeader(request, settings.signatureHeader);
    if (typeof given !== 'string') return given;
    const signature = given.startsWith(settings.prefix)
      ? decode(given.slice(settings.prefix.length), settings)
      : undefined;
    if (!signature)
      return refuse(
        'signature-malformed',
        `${settings.signatureHeader} is not ${settings.prefix}<${settings.encoding}>`,
      );
    let time = '';
    if (settings.timestampHeader) {
      const value = signatureHeader(request, settings.timestampHeader);
      if (typeof value !== 'string') return value;
      const window = checkWindow(value, settings.timestampUnit, request, settings.toleranceSeconds);
      if (!window.ok) return window;
      time = value;
    }
    const id = settings.idHeader ? signatureHeader(request, settings.idHeader) : '';
    if (typeof id !== 'string') return id;
    const parts = signedParts(settings, { body: request.rawBody, time, id, url: request.url });
    // A secret that does not decode would be an empty key, and anybody can sign with that.
    const usable = secrets.filter((secret) => keyOf(secret, settings) !== undefined);
    if (usable.length === 0)
      return refuse('secret-missing', `the source has no secret that is ${settings.secretEncoding}`);
    return anySecret(usable, (secret) =>
      sameBytes(hmac(settings.algorithm, keyOf(secret, settings)!, ...parts), signature),
    );
  },

  normalize(request, { options: settings }) {
    const data = parseBody(request);
    const find = (where: string | undefined) => {
      const found = where && at(data, ...where.split('.'));
      // An empty id is none: all events without one would be duplicates of the first.
      return (typeof found === 'string' && found !== '') || typeof found === 'number' ? String(found) : undefined;
    };
    const signedId =
      settings.payloadFormat.includes('{id}') && settings.idHeader ? single(request, settings.idHeader) : undefined;
    const id = find(settings.idPath) ?? signedId ?? undefined;
    const time = find(settings.timePath);
    return [
      {
        type: find(settings.typePath) ?? settings.type,
        subject: find(settings.subjectPath),
        time: time && /^\d+$/.test(time) ? timeOf(time, time.length > 11 ? 'ms' : 's') : isoTime(time),
        providerId: id,
        dedupeKey: id,
        orderingKey: find(settings.orderingKeyPath),
        data,
      },
    ];
  },

  demoKeys: () => ({
    secrets: ['generic-hmac-demo-secret'],
    options: { typePath: 'type', idPath: 'id', subjectPath: 'data.id' },
  }),
  sampleTypes: ['order.created', 'order.cancelled'],
  sample: (type, seed) => jsonSample(type, { id: `evt_${seed}`, type, data: { id: `ord_${seed}`, total: 12 } }),
  sign(sample, { url, keys, options: settings, now }) {
    const time = String(settings.timestampUnit === 's' ? Math.floor(now / 1_000) : now);
    const id = `id-${now}`;
    const parts = signedParts(settings, { body: Buffer.from(sample.body), time, id, url });
    const signature = hmac(settings.algorithm, keyOf(keys.secrets[0] ?? '', settings) ?? '', ...parts).toString(
      settings.encoding,
    );
    const headers = {
      [settings.signatureHeader]: settings.prefix + signature,
      ...(settings.timestampHeader && { [settings.timestampHeader]: time }),
      ...(settings.idHeader && { [settings.idHeader]: id }),
    };
    return { url, headers, body: sample.body };
  },
};

function decode(text: string, { encoding, algorithm }: Options): Buffer | undefined {
  if (encoding === 'hex') return fromHex(text, SIZE[algorithm]);
  const bytes = fromBase64(text);
  return bytes?.length === SIZE[algorithm] ? bytes : undefined;
}

/**
 * Undefined for a text that is not in the encoding: `Buffer.from` would take what it can, down to nothing. A text stays
 * one, since Node is much quicker with it than with the same bytes.
 */
function keyOf(secret: string, { secretEncoding }: Options): string | KeyObject | undefined {
  if (secret === '') return undefined;
  if (secretEncoding === 'utf8') return secret;
  const valid = secretEncoding === 'hex' ? /^(?:[0-9a-f]{2})+$/i : /^[A-Za-z0-9+/_-]{2,}={0,2}$/;
  return valid.test(secret) ? secretKey(secret, secretEncoding) : undefined;
}

/** The body stays bytes. */
function signedParts(
  { payloadFormat }: Options,
  values: { body: Buffer; time: string; id: string; url: string },
): (string | Buffer)[] {
  if (payloadFormat === '{body}') return [values.body];
  const known: Record<string, string | Buffer> = {
    '{body}': values.body,
    '{timestamp}': values.time,
    '{id}': values.id,
    '{url}': values.url,
  };
  return payloadFormat.split(/(\{(?:body|timestamp|id|url)\})/).map((part) => known[part] ?? part);
}

function parseBody(request: InboundRequest): unknown {
  const type = String(request.headers['content-type'] ?? 'application/json');
  const text = () => request.rawBody.toString('utf8');
  if (type.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text()));
  if (type.startsWith('text/plain')) return text();
  const value = parseJson(request);
  return value === null ? malformed('the body is empty') : value;
}
