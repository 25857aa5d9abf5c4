import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Fact, PermanentError } from '@spillway/contracts';
import { derived, keyIdOf, masterKeyId, Vault } from '@spillway/persistence';

/**
 * PostgreSQL's `jsonb`, in which BullMQ keeps a job's data there, refuses \u0000 and lone surrogates; other people's
 * payloads may hold both. Such data travels as base64 of its JSON.
 */
interface Wrapped {
  $json: string;
}

/** Many facts say much the same: as base64 of their deflated JSON they are a sixth, for the queue to keep and to give back. */
interface Packed {
  $packed: string;
}

/** Signed data is text: `jsonb` gives JSON back in another order. */
interface Signed {
  $signed: string;
  /** The key's id and the HMAC. */
  $signature: string;
}

/** Sealed data is authentic too: nobody without the tenant's key makes it, for this job. */
interface Sealed {
  $sealed: string;
}

/** Facts of several tenants, each tenant's under its own key. */
interface SealedFacts {
  $facts: Record<string, string>;
  /** Ids of traces tell nothing of what is in them. */
  traces?: unknown;
}

type Stored = Partial<Wrapped & Packed & Signed & Sealed & SealedFacts>;

/** Characters of JSON; less is not worth it. */
const PACKED_FROM = 2_000;

const REFUSED = /\\u0000|\\ud[89a-f]/i;

export interface CodecSettings {
  /** Whether the backend refuses such strings. */
  strictJson: boolean;
  vault: Vault;
  signer?: JobSigner;
}

export interface Encoded {
  data: object;
  json: string;
}

/**
 * How jobs are written into the queues, and read again: as they are; signed, so that who writes to Redis cannot make
 * work; or sealed under their tenant's key, which is both. What Bull Board needs stays readable beside it.
 */
export class JobCodec {
  constructor(private readonly settings: CodecSettings) {}

  /** As it is, for tools and tests. */
  static plain(strictJson = false): JobCodec {
    return new JobCodec({ strictJson, vault: Vault.clear() });
  }

  /** Whether payloads in the queues are sealed. */
  get seals(): boolean {
    return this.settings.vault.seals;
  }

  /**
   * @param queue whose job it is; a dead letter's data is read in no other queue than its own
   * @param id the job's
   * @returns at once what needs no key of a tenant's
   * @throws TransientError `keys-unavailable`
   */
  encode(queue: string, id: string, data: object): Encoded | Promise<Encoded> {
    const { vault, signer, strictJson } = this.settings;
    if (vault.seals) return this.seal(queue, id, data).then(withJson);
    const json = JSON.stringify(data);
    const small = 'facts' in data && json.length >= PACKED_FROM ? withJson(packed(json)) : undefined;
    if (signer) {
      const text = small?.json ?? json;
      return withJson({ $signed: text, $signature: signer.sign(queue, boundId(id), text) } satisfies Signed);
    }
    if (small) return small;
    if (!strictJson || !REFUSED.test(json)) return { data, json };
    return withJson({ $json: Buffer.from(json).toString('base64') } satisfies Wrapped);
  }

  /**
   * @throws PermanentError `job-forged` for what we did not write for this job, `data-shredded`; TransientError
   * `keys-unavailable`
   */
  async decode<T extends object>(queue: string, id: string, stored: object): Promise<T> {
    const given = stored as Stored;
    if (typeof given.$sealed === 'string' || typeof given.$facts === 'object') return this.open<T>(queue, id, given);
    const { signer } = this.settings;
    if (typeof given.$signed === 'string') {
      const { $signed, $signature } = given;
      // Without a key for signatures, as when signing was switched off, they say nothing either way.
      if (signer && !signer.holds(queue, boundId(id), $signed, String($signature))) throw forged(queue, id, 'is wrong');
      return plainly<T>(JSON.parse($signed) as object);
    }
    if (signer) throw forged(queue, id, 'is missing');
    return plainly<T>(stored);
  }

  /** What may be shown of a job without its key, and without its id. */
  shown(stored: object): object {
    const { $sealed, $facts, $signed } = stored as Stored;
    if (typeof $signed === 'string') return plainly(JSON.parse($signed) as object);
    if ($sealed === undefined && $facts === undefined) return plainly(stored);
    return {
      ...stored,
      ...($sealed !== undefined && { $sealed: '…' }),
      ...($facts && { $facts: Object.keys($facts) }),
    };
  }

  /** Whether data is written as it would be now: what lies in the queues for long, as schedules do, is written again. */
  async isCurrent(stored: object | undefined, tenant: string): Promise<boolean> {
    const { vault, signer } = this.settings;
    const { $sealed, $signature } = (stored ?? {}) as Stored;
    await vault.ready([tenant]);
    if (vault.seals) return $sealed !== undefined && keyIdOf($sealed) === vault.keyId(tenant);
    return signer ? $signature !== undefined && signer.isCurrent($signature) : $sealed === undefined;
  }

  private async seal(queue: string, id: string, data: object): Promise<Sealed | SealedFacts> {
    if ('facts' in data) {
      const $facts = await this.sealFacts(queue, id, data.facts as Fact[]);
      return { ...('traces' in data && { traces: data.traces }), $facts };
    }
    const { job } = data as Known;
    if (!job?.data?.facts) return this.sealOne(queue, id, data);
    // The dead letter of a batch: each tenant's facts go on being under its own key.
    const letter = { ...data, job: { ...job, data: { ...job.data, facts: [] } } };
    return { ...(await this.sealOne(queue, id, letter)), $facts: await this.sealFacts(queue, id, job.data.facts) };
  }

  private async sealFacts(queue: string, id: string, all: Fact[]): Promise<Record<string, string>> {
    const { vault } = this.settings;
    const byTenant = Map.groupBy(all, ({ tenant }) => tenant);
    await vault.ready(byTenant.keys());
    const sealed = [...byTenant].map(([tenant, facts]) => {
      const place = ['facts', queue, id, tenant] as const;
      const json = JSON.stringify(facts);
      const text = json.length >= PACKED_FROM ? JSON.stringify(packed(json)) : json;
      return [tenant, vault.sealed(tenant, place, text)] as const;
    });
    return Object.fromEntries(sealed);
  }

  private async sealOne(queue: string, id: string, data: object): Promise<Sealed> {
    const { vault } = this.settings;
    const tenant = tenantOf(data);
    await vault.ready([tenant]);
    const $sealed = vault.sealed(tenant, ['job', queue, boundId(id)], JSON.stringify(data));
    return { ...besides(data), $sealed };
  }

  private async open<T>(queue: string, id: string, { $sealed, $facts, traces }: Stored): Promise<T> {
    const { vault } = this.settings;
    try {
      const facts = $facts && (await this.openFacts(queue, id, $facts));
      if ($sealed === undefined) return { facts, ...(traces !== undefined && { traces }) } as T;
      const one = await vault.unsealed<T>(['job', queue, boundId(id)], $sealed);
      if (facts) Object.assign((one as Known).job!.data!, { facts });
      return one;
    } catch (error) {
      if (error instanceof PermanentError && error.code === 'data-unreadable') throw forged(queue, id, 'is wrong');
      throw error;
    }
  }

  private async openFacts(queue: string, id: string, sealed: Record<string, string>): Promise<Fact[]> {
    const facts: Fact[] = [];
    for (const [tenant, one] of Object.entries(sealed)) {
      const place = ['facts', queue, id, tenant] as const;
      const opened = await this.settings.vault.unsealed<Fact[]>(place, one).catch((error: unknown) => {
        // What is left of a tenant that was shredded is nobody's loss, and must not keep the others' facts.
        if (error instanceof PermanentError && error.code === 'data-shredded') return [];
        throw error;
      });
      facts.push(...plainly<Fact[]>(opened));
    }
    return facts;
  }
}

/** Signs jobs with keys made of the master keys: the first signs, all are believed. */
export class JobSigner {
  private readonly keys: [id: string, key: KeyObject][];

  /** @param masters 32 bytes each */
  constructor(masters: readonly Buffer[]) {
    this.keys = masters.map((master) => [masterKeyId(master), createSecretKey(derived(master, 'job signatures'))]);
  }

  sign(queue: string, id: string, text: string): string {
    const [keyId, key] = this.keys[0]!;
    return `${keyId}.${hmac(key, queue, id, text).toString('base64url')}`;
  }

  holds(queue: string, id: string, text: string, signature: string): boolean {
    const key = this.keys.find(([keyId]) => signature.startsWith(`${keyId}.`));
    if (!key) return false;
    const given = Buffer.from(signature.slice(key[0].length + 1), 'base64url');
    const wanted = hmac(key[1], queue, id, text);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  isCurrent(signature: string): boolean {
    return signature.startsWith(`${this.keys[0]![0]}.`);
  }
}

function hmac(key: KeyObject, queue: string, id: string, text: string): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify([queue, id]))
    .update(text)
    .digest();
}

/** BullMQ makes a schedule's jobs of one template, and ids of its key and their time. */
function boundId(id: string): string {
  return id.startsWith('repeat:') ? id.replace(/:\d+$/, '') : id;
}

/** The id under which a schedule's template is encoded. */
export function scheduleId(key: string): string {
  return `repeat:${key}`;
}

function forged(queue: string, id: string, what: string): PermanentError {
  return new PermanentError(`job ${id} in ${queue} is not one of ours: its signature ${what}`, {
    code: 'job-forged',
    remedy: 'Find out who writes to the queues. Jobs from before JOB_SIGNING was on are made again by a replay.',
  });
}

/** The quickest kind; facts need no better one. */
function packed(json: string): Packed {
  return { $packed: deflateRawSync(json, { level: 1 }).toString('base64') };
}

function plainly<T extends object>(stored: object): T {
  const { $json, $packed } = stored as Stored;
  if (typeof $packed === 'string') return JSON.parse(inflateRawSync(Buffer.from($packed, 'base64')).toString()) as T;
  return typeof $json === 'string' ? (JSON.parse(Buffer.from($json, 'base64').toString()) as T) : (stored as T);
}

function withJson(data: object): Encoded {
  return { data, json: JSON.stringify(data) };
}

interface Known {
  meta?: { tenant: string; priority?: string };
  job?: { data?: { facts?: Fact[] } };
  tenant?: string;
  event?: { id: string; type: string; source: string };
  run?: { id: string; flow: string };
  route?: string;
  eventId?: string;
  error?: { class: string; code: string };
  attempts?: number;
  failedAt?: number;
}

function tenantOf(data: Known): string {
  return data.meta?.tenant ?? data.tenant ?? '';
}

/** What people find a job by; nothing of the payload. */
function besides(data: Known): object {
  const { event, run, route, eventId, error, attempts, failedAt } = data;
  return {
    tenant: tenantOf(data),
    ...(event && { event: { id: event.id, type: event.type, source: event.source } }),
    ...(run && { run: { id: run.id, flow: run.flow } }),
    ...(route !== undefined && { route }),
    ...(eventId !== undefined && { eventId }),
    ...(error && { error: { class: error.class, code: error.code }, attempts, failedAt }),
  };
}
