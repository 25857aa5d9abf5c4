import { sign, verify } from 'node:crypto';
import { z } from 'zod';
import { isObject, isoTime, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { ACCEPTED, fromBase64, refuse, signatureHeader } from '../primitives/signature';
import { privateKeyOf, publicKeysOf } from '../primitives/keys';
import type { InboundRequest, Provider, Verdict } from '../provider';

/** HighLevel publishes one key for all its apps; it is configurable for the day they change it. */
const PUBLISHED_KEY = 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=';

const ids = z.array(z.string()).min(1).optional();
const options = z.strictObject({
  locationIds: ids.describe(
    "Only these locations. The key is global to HighLevel: set this, or anybody's events are yours.",
  ),
  companyIds: ids.describe('Only these companies.'),
  appIds: ids.describe('Only these apps.'),
  legacyPublicKey: z
    .string()
    .optional()
    .describe('RSA key (base64 SPKI) of `X-WH-Signature`, which ended on 2026-09-01. Off without it.'),
});

const HEADER = 'x-ghl-signature';
const LEGACY_HEADER = 'x-wh-signature';

/** A made-up account's Ed25519 pair, for demos and samples. */
const DEMO_PUBLIC_KEY = 'MCowBQYDK2VwAyEAOBx8Pp7xJKg7MxhGVFEBKNs0Cwwo9qabLWc2n8hKx5Y=';
const DEMO_PRIVATE_KEY = 'MC4CAQAwBQYDK2VwBCIEIBaCyI4ViLrj1kWjpsIVkAnsDqlmHKsMCtqv+UG3VcZi';

/**
 * Ed25519 over the raw body. A source's secrets are public keys (base64 SPKI); without any the published one counts.
 * @see https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide
 */
export const gohighlevel: Provider<z.infer<typeof options>> = {
  name: 'gohighlevel',
  title: 'GoHighLevel',
  options,
  secretOptional: true,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: settings }) {
    const verdict = verifySignature(request, secrets, settings.legacyPublicKey);
    return verdict.ok ? verifyAccount(request, settings) : verdict;
  },

  normalize(request) {
    const body = parseObject(request);
    const inner = isObject(body['data']) ? body['data'] : body;
    const id = text(body, 'webhookId') ?? text(inner, 'webhookId');
    const subject = text(inner, 'id') ?? text(inner, 'contactId');
    return [
      {
        type: text(body, 'type') ?? requiredText(inner, 'type'),
        subject,
        time: isoTime(body['timestamp']) ?? isoTime(inner['dateAdded']),
        providerId: id,
        dedupeKey: id,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: [DEMO_PUBLIC_KEY], signingKey: DEMO_PRIVATE_KEY }),
  sampleTypes: ['ContactCreate', 'AppointmentCreate', 'InboundMessage'],
  sample: (type, seed) =>
    jsonSample(type, {
      type,
      timestamp: '2026-11-20T10:00:00.000Z',
      webhookId: `wh_${seed}`,
      locationId: 'loc_1',
      id: `ct_${seed}`,
      firstName: 'Ana',
      email: 'ana@example.com',
    }),
  sign: (sample, { url, keys }) => ({
    url,
    headers: { [HEADER]: sign(null, Buffer.from(sample.body), privateKeyOf(keys)).toString('base64') },
    body: sample.body,
  }),
};

function verifySignature(request: InboundRequest, secrets: readonly string[], legacyKey: string | undefined): Verdict {
  const legacy = legacyKey !== undefined && request.headers[HEADER] === undefined;
  const name = legacy ? LEGACY_HEADER : HEADER;
  const header = signatureHeader(request, name);
  if (typeof header !== 'string') return header;
  const signature = fromBase64(header);
  if (!signature) return refuse('signature-malformed', `${name} is not base64`);
  const keys = legacy ? publicKeysOf([legacyKey]) : publicKeysOf(secrets.length > 0 ? secrets : [PUBLISHED_KEY]);
  if (keys.length === 0) return refuse('secret-missing', 'the source has no public key (base64 SPKI)');
  const good = keys.some((key) => verify(legacy ? 'sha256' : null, request.rawBody, key, signature));
  return good ? ACCEPTED : refuse('signature-mismatch', 'the signature fits none of the keys');
}

function verifyAccount(request: InboundRequest, settings: z.infer<typeof options>): Verdict {
  const checks = [
    ['locationId', settings.locationIds],
    ['companyId', settings.companyIds],
    ['appId', settings.appIds],
  ] as const;
  if (checks.every(([, allowed]) => !allowed)) return ACCEPTED;
  const body = parseObject(request);
  for (const [field, allowed] of checks) {
    const value = text(body, field) ?? text(body, 'data', field);
    if (allowed && !allowed.includes(value ?? '')) {
      return refuse('account-mismatch', `${field} is not one of those the source takes`);
    }
  }
  return ACCEPTED;
}
