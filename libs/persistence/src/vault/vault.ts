import { createHash, createHmac } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';
import { type DataKeys, shredded } from './data-keys';
import { type DataKey, keyIdOf, openBytes, openText, type Place, sealBytes, sealText, unreadable } from './envelope';

/** How a sealed value stands in a JSON column: beside it, what queries ask for. */
interface Sealed {
  $sealed: string;
}

/** Clear data of ours that looks like a wrapping. */
interface Plain {
  $plain: unknown;
}

/** 132 bits. */
const DIGEST_CHARACTERS = 22;

/**
 * Keeps payloads unreadable at rest, each under its tenant's key. Old rows that are clear are read as they are, and
 * sealed ones also while nothing new is sealed.
 */
export class Vault {
  /** @param seals whether new data is sealed */
  constructor(
    private readonly keys: DataKeys | undefined,
    readonly seals: boolean,
  ) {}

  /** Seals nothing, for tools and tests without keys. */
  static clear(): Vault {
    return new Vault(undefined, false);
  }

  /**
   * Before anything of these tenants is sealed.
   *
   * @returns undefined when there is nothing to wait for. @throws TransientError `keys-unavailable`
   */
  ready(tenants: Iterable<string>): Promise<void> | undefined {
    return this.seals ? this.keys!.ready(tenants) : undefined;
  }

  /**
   * A value as a JSON column keeps it. The tenant must be `ready`.
   *
   * @param beside what is kept clear beside it, for queries
   */
  json(tenant: string, place: Place, value: unknown, beside?: object): string {
    if (value === undefined || value === null) return 'null';
    return this.text(tenant, place, JSON.stringify(value), value, beside);
  }

  /** As `json`, of what was made JSON already. */
  text(tenant: string, place: Place, json: string, value?: unknown, beside?: object): string {
    if (!this.seals) return isWrapping(value) ? JSON.stringify({ $plain: value } satisfies Plain) : json;
    const sealed: Sealed = { $sealed: sealText(this.keyOf(tenant), place, json) };
    return JSON.stringify(beside ? { ...beside, ...sealed } : sealed);
  }

  /** @throws PermanentError `data-shredded`, `data-unreadable`; TransientError `keys-unavailable` */
  async open<T>(place: Place, stored: unknown): Promise<T> {
    if (!isWrapping(stored)) return stored as T;
    if (!isSealed(stored)) return stored.$plain as T;
    await this.fetch([stored]);
    return this.opened<T>(place, stored);
  }

  /** Many at once, of many tenants: what cannot be read of one must not keep the others; it says why instead. */
  async showAll<Row>(rows: Row[], of: (row: Row) => [Place, unknown][]): Promise<unknown[][]> {
    const found = rows.map(of);
    await this.fetch(found.flatMap((places) => places.map(([, stored]) => stored)).filter(isSealed));
    return found.map((places) => places.map(([place, stored]) => shown(() => this.opened(place, stored))));
  }

  /** What people are shown: of data that cannot be read, why. */
  async show<T>(place: Place, stored: unknown): Promise<T> {
    if (isSealed(stored)) await this.fetch([stored]);
    return shown(() => this.opened<T>(place, stored)) as T;
  }

  /** Sealed text, for what is no JSON column. The tenant must be `ready`. */
  sealed(tenant: string, place: Place, text: string): string {
    return sealText(this.keyOf(tenant), place, text);
  }

  /** JSON that was `sealed`. @throws as `open` */
  async unsealed<T>(place: Place, sealed: string): Promise<T> {
    return this.open<T>(place, { $sealed: sealed } satisfies Sealed);
  }

  /** Of the key that new data of the tenant is sealed with. The tenant must be `ready`. */
  keyId(tenant: string): string {
    return this.keyOf(tenant).id;
  }

  /** Before digests are made with these keys; an empty id is none. @throws TransientError `keys-unavailable` */
  async know(keyIds: readonly string[]): Promise<void> {
    const missing = keyIds.filter((id) => id !== '' && !this.keys?.find(id));
    if (missing.length > 0) await this.keys?.fetch(missing);
  }

  /**
   * By which equal values are found without being kept: nobody can guess one without the key.
   *
   * @param keyId empty for a value that is not sealed; else the key must be known
   * @returns undefined when the key was destroyed, or is not there
   */
  digest(keyId: string, purpose: readonly string[], text: string): string | undefined {
    const named = JSON.stringify([...purpose, text]);
    if (keyId === '') return createHash('sha256').update(named).digest('base64url').slice(0, DIGEST_CHARACTERS);
    const key = this.keys?.find(keyId);
    if (!key || key === 'shredded') return undefined;
    return createHmac('sha256', key.secret).update(named).digest('base64url').slice(0, DIGEST_CHARACTERS);
  }

  /** Bytes, and the id of the key that they are sealed with; undefined while nothing is sealed. */
  bytes(tenant: string, place: Place, plain: Buffer): { key: string; sealed: Buffer } | undefined {
    if (!this.seals) return undefined;
    const key = this.keyOf(tenant);
    return { key: key.id, sealed: sealBytes(key, place, plain) };
  }

  async openBytes(place: Place, keyId: string, sealed: Buffer): Promise<Buffer> {
    if (!this.keys?.find(keyId)) await this.keys?.fetch([keyId]);
    return openBytes(this.keyWith(place, keyId), place, sealed);
  }

  private async fetch(sealed: Sealed[]): Promise<void> {
    const missing = new Set<string>();
    for (const { $sealed } of sealed) {
      const id = keyIdOf($sealed);
      if (!this.keys?.find(id)) missing.add(id);
    }
    if (missing.size > 0) await this.keys?.fetch([...missing]);
  }

  private opened<T>(place: Place, stored: unknown): T {
    if (!isWrapping(stored)) return stored as T;
    if (!isSealed(stored)) return stored.$plain as T;
    return JSON.parse(openText(this.keyWith(place, keyIdOf(stored.$sealed)), place, stored.$sealed)) as T;
  }

  private keyOf(tenant: string): DataKey {
    const key = this.keys!.current(tenant);
    if (!key) throw new Error(`the key of tenant ${tenant} was not made ready`);
    return key;
  }

  private keyWith(place: Place, id: string): DataKey {
    const key = this.keys?.find(id);
    if (key === 'shredded') throw shredded(place.join(' '));
    if (!key) throw unreadable(place, `there is no key ${id.slice(0, 20)}`);
    return key;
  }
}

/** Stands for what cannot be read. */
interface Unreadable {
  unreadable: string;
}

function shown<T>(open: () => T): T | Unreadable {
  try {
    return open();
  } catch (error) {
    if (error instanceof PermanentError) return { unreadable: error.code };
    throw error;
  }
}

/** @param value what `showAll` gave */
export function isUnreadable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Unreadable).unreadable === 'string';
}

function isWrapping(value: unknown): value is Sealed | Plain {
  return typeof value === 'object' && value !== null && ('$sealed' in value || '$plain' in value);
}

function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && typeof (value as Sealed).$sealed === 'string';
}
