import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { DemoKeys } from '../provider';

/** The private key that made-up accounts sign with: base64 of PKCS #8. */
export function privateKeyOf(keys: DemoKeys): KeyObject {
  return createPrivateKey({ key: Buffer.from(keys.signingKey ?? '', 'base64'), format: 'der', type: 'pkcs8' });
}

/** The public keys among a source's secrets (base64 SPKI); what is none is left out, so that it spoils no other. */
export function publicKeysOf(secrets: readonly string[]): KeyObject[] {
  return secrets.flatMap((secret) => {
    try {
      return [createPublicKey({ key: Buffer.from(secret, 'base64'), format: 'der', type: 'spki' })];
    } catch {
      return [];
    }
  });
}
