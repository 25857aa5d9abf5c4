import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets unreadable at rest: AES-256-GCM under one key, each bound to the place it belongs to. */
export class Sealer {
  /**
   * @param key seals and opens; 32 bytes
   * @param others open too, while keys are changed
   */
  constructor(
    private readonly key: Buffer,
    private readonly others: readonly Buffer[] = [],
  ) {}

  /** @param place what the secret belongs to (`Source/demo/stripe/0`); the same is needed to open it */
  seal(plain: string, place: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws PermanentError `secret-unreadable` for another key, another place or changed bytes */
  open(sealed: string, place: string): string {
    const keys = [this.key, ...this.others];
    for (const [at, key] of keys.entries()) {
      try {
        return opened(key, sealed, place);
      } catch (cause) {
        if (at < keys.length - 1) continue;
        throw new PermanentError(`the secret of ${place} cannot be read`, {
          code: 'secret-unreadable',
          remedy: 'SPILLWAY_KEY must be the key it was sealed with; else apply the document again.',
          cause,
        });
      }
    }
    throw new Error('a sealer has a key');
  }

  /** Whether the first key sealed it. */
  isCurrent(sealed: string, place: string): boolean {
    try {
      opened(this.key, sealed, place);
      return true;
    } catch {
      return false;
    }
  }

  /** A signature that only this installation can make; hex. @param purpose keeps signatures of different uses apart */
  sign(purpose: string, text: string): string {
    return createHmac('sha256', this.key).update(`${purpose}\0${text}`).digest('hex');
  }

  /** Whether a signature was made with this key, or with another one that is valid still. */
  verify(purpose: string, text: string, signature: string): boolean {
    return [this.key, ...this.others].some((key) => {
      const wanted = Buffer.from(createHmac('sha256', key).update(`${purpose}\0${text}`).digest('hex'));
      const given = Buffer.from(signature);
      return wanted.length === given.length && timingSafeEqual(wanted, given);
    });
  }

  /** Tells whether two secrets are the same without telling either; safe to show. */
  fingerprint(plain: string): string {
    return createHmac('sha256', this.key).update('fingerprint\0').update(plain).digest('hex').slice(0, 12);
  }
}

function opened(key: Buffer, sealed: string, place: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(place));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}
