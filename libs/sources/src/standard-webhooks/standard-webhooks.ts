import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { at, isoTime, parseObject, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import {
  ACCEPTED,
  checkWindow,
  fromBase64,
  hmac,
  refuse,
  sameBytes,
  secretKey,
  signatureHeader,
} from '../primitives/signature';
import type { InboundRequest, Provider, Verdict } from '../provider';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
  typePath: z.string().default('type').describe('Where the type is in the body: `type`, `event.name`.'),
});

/** DER of an Ed25519 public key up to the key itself (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export const standardWebhooks: Provider<z.infer<typeof options>> = {
  name: 'standard-webhooks',
  title: 'Standard Webhooks',
  options,
  contentTypes: ['application/json'],

  verify: (request, { secrets, options: { toleranceSeconds } }) =>
    verifyStandardWebhook(request, secrets, toleranceSeconds),

  normalize(request, { options: { typePath } }) {
    const body = parseObject(request);
    const id = signatureHeader(request, 'webhook-id');
    const key = typeof id === 'string' ? id : undefined;
    const type = at(body, ...typePath.split('.'));
    return [
      {
        type: typeof type === 'string' && type !== '' ? type : 'event',
        subject: text(body, 'data', 'id'),
        time: isoTime(body['timestamp']),
        providerId: key,
        dedupeKey: key,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['whsec_ZGVtby1zdGFuZGFyZC13ZWJob29rcy1zZWNyZXQ='] }),
  sampleTypes: ['order.created', 'user.updated'],
  sample: (type, seed) =>
    jsonSample(
      type,
      { type, timestamp: '2026-11-20T10:00:00.000Z', data: { id: seed } },
      { 'webhook-id': `msg_${seed}` },
    ),
  sign(sample, { url, keys, now }) {
    const id = sample.headers?.['webhook-id'] ?? 'msg';
    return { url, headers: signStandardWebhook(id, sample.body, keys.secrets[0] ?? '', now), body: sample.body };
  },
};

/** `v1` with secrets (`whsec_`, or bare base64), `v1a` with public keys (`whpk_`); one good signature is enough. */
export function verifyStandardWebhook(
  request: InboundRequest,
  secrets: readonly string[],
  toleranceSeconds: number,
): Verdict {
  const id = signatureHeader(request, 'webhook-id');
  if (typeof id !== 'string') return id;
  const time = signatureHeader(request, 'webhook-timestamp');
  if (typeof time !== 'string') return time;
  const header = signatureHeader(request, 'webhook-signature');
  if (typeof header !== 'string') return header;
  const signatures = header.split(' ').map((one) => {
    const comma = one.indexOf(',');
    return { version: one.slice(0, comma), bytes: fromBase64(one.slice(comma + 1)) };
  });
  const known = signatures.filter(({ version, bytes }) => bytes && (version === 'v1' || version === 'v1a'));
  if (known.length === 0) return refuse('signature-malformed', 'webhook-signature holds no v1 or v1a signature');
  const window = checkWindow(time, 's', request, toleranceSeconds);
  if (!window.ok) return window;
  const usable = secrets.filter((secret) => keyOf(secret) !== undefined);
  if (usable.length === 0)
    return refuse('secret-missing', 'the source has no secret that is whsec_ or whpk_ and base64');
  const signed = Buffer.concat([Buffer.from(`${id}.${time}.`), request.rawBody]);
  const fits = usable.map((secret) => known.some(({ version, bytes }) => check(secret, version, signed, bytes!)));
  return fits.includes(true) ? ACCEPTED : refuse('signature-mismatch', 'the signature fits none of the secrets');
}

function check(secret: string, version: string, signed: Buffer, signature: Buffer): boolean {
  const key = keyOf(secret)!;
  if (secret.startsWith('whpk_')) {
    if (version !== 'v1a' || signature.length !== 64) return false;
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' });
    return verify(null, signed, publicKey, signature);
  }
  return version === 'v1' && sameBytes(hmac('sha256', secretKey(bare(secret), 'base64'), signed), signature);
}

function keyOf(secret: string): Buffer | undefined {
  const isPublic = secret.startsWith('whpk_');
  const key = fromBase64(bare(secret));
  return isPublic && key?.length !== 32 ? undefined : key;
}

function bare(secret: string): string {
  return secret.replace(/^wh(?:sec|pk)_/, '');
}

export function signStandardWebhook(id: string, body: string, secret: string, now: number): Record<string, string> {
  const time = String(Math.floor(now / 1_000));
  const signature = hmac('sha256', secretKey(bare(secret), 'base64'), `${id}.${time}.`, body).toString('base64');
  return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` };
}
