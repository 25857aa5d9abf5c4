import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets unreadable at rest: AES-256-GCM under one key, each bound to the place it belongs to. */
export class Sealer {
  /** @param key 32 bytes */
  constructor(private readonly key: Buffer) {}

  /** @param place what the secret belongs to (`Source/demo/stripe/0`); the same is needed to open it */
  seal(plain: string, place: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws PermanentError `secret-unreadable` for another key, another place or changed bytes */
  open(sealed: string, place: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, IV_BYTES)).setAAD(
        Buffer.from(place),
      );
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new PermanentError(`the secret of ${place} cannot be read`, {
        code: 'secret-unreadable',
        remedy: 'SPILLWAY_KEY must be the key it was sealed with; else apply the document again.',
        cause,
      });
    }
  }

  /** A signature that only this installation can make; hex. @param purpose keeps signatures of different uses apart */
  sign(purpose: string, text: string): string {
    return createHmac('sha256', this.key).update(`${purpose}\0${text}`).digest('hex');
  }

  /** Whether {@link sign} made this signature. */
  verify(purpose: string, text: string, signature: string): boolean {
    const [wanted, given] = [Buffer.from(this.sign(purpose, text)), Buffer.from(signature)];
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }

  /** Tells whether two secrets are the same without telling either; safe to show. */
  fingerprint(plain: string): string {
    return createHmac('sha256', this.key).update('fingerprint\0').update(plain).digest('hex').slice(0, 12);
  }
}
