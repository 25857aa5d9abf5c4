import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';

/** What wraps data keys: the key of the environment, or a key management service that never gives its key away. */
export interface MasterKeys {
  /** Of the key that wraps from now on. */
  readonly current: string;
  wrap(key: Buffer, context: string): Promise<Buffer>;
  /** @param id of the master key it was wrapped with. @throws PermanentError `master-key-unknown` */
  unwrap(wrapped: Buffer, context: string, id: string): Promise<Buffer>;
}

/** A key of one purpose, made of the master key (RFC 5869), so that no key is used for two things. */
export function derived(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `spillway ${purpose}`, 32));
}

/** What a master key is called; tells nothing of it. */
export function masterKeyId(master: Buffer): string {
  return derived(master, 'key id').toString('hex').slice(0, 12);
}

/** Master keys out of the environment: one that wraps, and others that still, or already, unwrap. */
export class LocalMasterKeys implements MasterKeys {
  readonly current: string;
  private readonly keys: Map<string, Buffer>;

  /** @param others valid beside the first while keys are changed; 32 bytes each */
  constructor(first: Buffer, others: readonly Buffer[] = []) {
    this.current = masterKeyId(first);
    this.keys = new Map([first, ...others].map((key) => [masterKeyId(key), derived(key, 'data keys')]));
  }

  async wrap(key: Buffer, context: string): Promise<Buffer> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.keys.get(this.current)!, nonce).setAAD(Buffer.from(context));
    const wrapped = Buffer.concat([cipher.update(key), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), wrapped]);
  }

  async unwrap(wrapped: Buffer, context: string, id: string): Promise<Buffer> {
    const key = this.keys.get(id);
    if (!key) throw unknown(id, context);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12)).setAAD(Buffer.from(context));
      decipher.setAuthTag(wrapped.subarray(12, 28));
      return Buffer.concat([decipher.update(wrapped.subarray(28)), decipher.final()]);
    } catch (cause) {
      throw unknown(id, context, cause);
    }
  }
}

function unknown(id: string, context: string, cause?: unknown): PermanentError {
  return new PermanentError(
    `the data key ${context} was wrapped with the master key ${id}, which this process has not`,
    {
      code: 'master-key-unknown',
      remedy: 'Give the key it was made under as SPILLWAY_KEY, or among SPILLWAY_OTHER_KEYS.',
      cause,
    },
  );
}
