import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { InboundRequest, RefusalCode, Verdict } from '../provider';

export const ACCEPTED: Verdict = { ok: true };

export function refuse(code: RefusalCode, reason: string): Verdict {
  return { ok: false, code, reason };
}

/** The MAC of the parts one after the other; bytes stay bytes. (Node makes a buffer of its own slower than by a text.) */
export function hmac(algorithm: string, key: string | KeyObject, ...parts: (string | Buffer)[]): Buffer {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return Buffer.from(mac.digest('binary'), 'binary');
}

const MOST_KEYS = 1_000;
const keys = new Map<string, KeyObject>();

/** A secret that stands for bytes, ready for use: making it anew for every request costs more than the digest. */
export function secretKey(secret: string, encoding: 'utf8' | 'hex' | 'base64'): KeyObject {
  const name = `${encoding}:${secret}`;
  let key = keys.get(name);
  if (!key) {
    if (keys.size >= MOST_KEYS) keys.clear();
    key = createSecretKey(Buffer.from(secret, encoding));
    keys.set(name, key);
  }
  return key;
}

/** Equal, in a time that does not tell where they differ. */
export function sameBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Hex of exactly `bytes` bytes, lower case as every sender writes it; anything else is no signature. */
export function fromHex(text: string, bytes: number): Buffer | undefined {
  return text.length === bytes * 2 && /^[0-9a-f]*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** Canonical base64: a text that decodes to the same bytes as another is refused, so that one flipped bit is seen. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

/** The value of a header that must not be repeated: undefined when absent, null when repeated. */
export function single(request: InboundRequest, name: string): string | null | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? (value.length === 1 ? value[0] : null) : value;
}

/** A signature header, or the refusal that says what is wrong with it. */
export function signatureHeader(request: InboundRequest, name: string): string | Verdict {
  const value = single(request, name);
  if (value === null) return refuse('signature-malformed', `the header ${name} is repeated`);
  if (!value) return refuse('signature-missing', `there is no header ${name}`);
  return value;
}

/** Whether any valid secret makes the signature; empty secrets never count. */
export function anySecret(secrets: readonly string[], matches: (secret: string) => boolean): Verdict {
  const usable = secrets.filter((secret) => secret !== '');
  if (usable.length === 0) return refuse('secret-missing', 'the source has no secret to verify with');
  // No short cut: the time does not tell which of them it was.
  const results = usable.map(matches);
  return results.includes(true) ? ACCEPTED : refuse('signature-mismatch', 'the signature fits none of the secrets');
}

/**
 * A signed time against our clock, both ways: some SDKs take times of the future.
 * @param timestamp digits as sent
 */
export function checkWindow(
  timestamp: string,
  unit: 's' | 'ms',
  request: InboundRequest,
  toleranceSeconds: number,
): Verdict {
  if (!/^\d{1,16}$/.test(timestamp)) return refuse('signature-malformed', 'the timestamp is not a number');
  const at = Number(timestamp) * (unit === 's' ? 1_000 : 1);
  const offSeconds = Math.round((request.receivedAt - at) / 1_000);
  if (Math.abs(request.receivedAt - at) <= toleranceSeconds * 1_000) return ACCEPTED;
  const side = offSeconds > 0 ? `${offSeconds} s old` : `${-offSeconds} s in the future`;
  return refuse('timestamp-outside-window', `the signed time is ${side}; ${toleranceSeconds} s are allowed`);
}

/** Equal texts, in a time that does not tell where they differ. */
export function sameText(one: string, other: string): boolean {
  return sameBytes(Buffer.from(one), Buffer.from(other));
}
