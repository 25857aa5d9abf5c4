import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';

/** A tenant's own key. */
export interface DataKey {
  id: string;
  tenant: string;
  /** Of 32 bytes. Node takes a KeyObject as it is; bytes it makes one of each time, which costs more than the cipher. */
  secret: KeyObject;
}

/** What kind of record is sealed, and which: it opens in no other place. */
export type Place = readonly [kind: string, ...ids: (string | number)[]];

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Random bytes are drawn for so many nonces at once. */
const NONCES = 512;
/** How much longer sealed bytes are than what was sealed. */
export const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/**
 * AES-256-GCM with a random 96-bit nonce: nonce, tag, ciphertext. Tenant and place are authenticated with it. (NIST
 * SP 800-38D §8.3 allows 2^32 random nonces under one key: that is the rotation a tenant needs at most.)
 */
export function sealBytes(key: DataKey, place: Place, plain: Buffer | string): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce).setAAD(boundTo(key, place));
  const sealed = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  const end = cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed, end]);
}

/** @throws PermanentError `data-unreadable` for another key, tenant or place, and for changed bytes */
export function openBytes(key: DataKey, place: Place, sealed: Buffer): Buffer {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(key, place)).setAuthTag(sealed.subarray(NONCE_BYTES, OVERHEAD_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(OVERHEAD_BYTES)), decipher.final()]);
  } catch (cause) {
    throw unreadable(place, 'it was changed, or belongs elsewhere', cause);
  }
}

/** As text: the key's id, and the sealed bytes in base64. */
export function sealText(key: DataKey, place: Place, plain: string): string {
  return `${key.id}.${sealBytes(key, place, plain).toString('base64')}`;
}

/** @throws PermanentError `data-unreadable` */
export function openText(key: DataKey, place: Place, sealed: string): string {
  return openBytes(key, place, Buffer.from(sealed.slice(sealed.indexOf('.') + 1), 'base64')).toString('utf8');
}

export function keyIdOf(sealed: string): string {
  return sealed.slice(0, Math.max(0, sealed.indexOf('.')));
}

export function unreadable(place: Place, why: string, cause?: unknown): PermanentError {
  return new PermanentError(`the ${place[0]} ${place.slice(1).join('/')} cannot be read: ${why}`, {
    code: 'data-unreadable',
    remedy: 'Look for who writes to the database or the queues; SPILLWAY_KEY must be the key it was sealed under.',
    cause,
  });
}

let drawn = Buffer.alloc(0);
let used = 0;

function nextNonce(): Buffer {
  if (used === drawn.length) {
    drawn = randomBytes(NONCES * NONCE_BYTES);
    used = 0;
  }
  used += NONCE_BYTES;
  return drawn.subarray(used - NONCE_BYTES, used);
}

function boundTo({ tenant, id }: DataKey, place: Place): Buffer {
  return Buffer.from(JSON.stringify([tenant, id, ...place]));
}
