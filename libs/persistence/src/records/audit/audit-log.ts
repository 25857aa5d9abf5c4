import { newId, TransientError } from '@spillway/contracts';
import type { Pool, PoolClient } from 'pg';
import { batched } from '../../batcher';
import { asPlatform } from '../../tenant-scope/scope';
import {
  type AuditSigner,
  chain,
  ChainCheck,
  type ChainedEntry,
  type ChainHead,
  type ChainProblem,
  GENESIS,
} from './chain';
import { type AuditFilter, COLUMNS, whereOf } from './rows';

export interface AuditEntry {
  /** Given, it makes recording it twice harmless. */
  id?: string;
  /** Unix milliseconds; now, if left out. */
  at?: number;
  /** `key:ci`, `user:ana`, `link:Bo`, `system`. */
  actor: string;
  /** Of the key, whose name another may have later. */
  actorId?: string;
  /** `resource.apply`, `dead-letter.redrive`, `payload.read`, … */
  action: string;
  tenant?: string;
  target: string;
  /** Never a secret, never a payload. */
  details?: Record<string, unknown>;
  address?: string;
  userAgent?: string;
  outcome?: 'done' | 'refused' | 'failed';
}

export interface AuditReport {
  ok: boolean;
  /** Entries that were looked at. */
  count: number;
  /** To be kept elsewhere: it shows later whether anything up to here is gone. */
  head: ChainHead;
  /** What the oldest entry follows, when those before it were dropped in time. */
  begins?: ChainHead;
  /** The first 100. */
  problems: ChainProblem[];
}

/** Arbitrary; nobody else uses it (libs/workers has 7245101 and 7245102). */
const LOCK = 7_245_103;
const PAGE = 1_000;
const MOST_PROBLEMS = 100;
/** A process that is halted while it holds the lock is put out before the others give up waiting for it. */
const TAKE_LOCK = `begin; set local lock_timeout = '10s'; set local idle_in_transaction_session_timeout = '5s';
  select pg_advisory_xact_lock(${LOCK})`;
const HEAD = `select seq::int8, hash from (select seq, hash from audit union all select seq, hash from audit_anchors) a
  order by seq desc limit 1`;

/**
 * Who did what to the platform, and who looked at payloads: append-only, and in one chain of hashes for the installation.
 * Writers take turns by an advisory lock; what one process has to write at the same time goes in one transaction, and no
 * event waits for it.
 */
export class AuditLog {
  private readonly write = batched(
    async (groups: AuditEntry[][]) => {
      await this.append(groups.flat());
      return groups.map(() => undefined);
    },
    { most: 100, apart: () => false },
  );

  constructor(
    private readonly pool: Pool,
    private readonly signer: AuditSigner,
  ) {}

  /**
   * Durable when the promise resolves.
   *
   * @throws TransientError `audit-unavailable` (503)
   */
  async record(...entries: AuditEntry[]): Promise<void> {
    // It happened now, not when the batch goes; and may be told again under the same id.
    if (entries.length === 0) return;
    const kept = entries.map((one) => ({ id: newId(), at: Date.now(), ...one }));
    await asPlatform('audit-chain', () => this.write(kept));
  }

  /** Newest first. */
  async list(filter: AuditFilter & { limit?: number }): Promise<ChainedEntry[]> {
    const { text, values } = whereOf(filter);
    const limit = Math.min(filter.limit ?? 50, 500);
    const { rows } = await this.pool.query<ChainedEntry>(
      `select ${COLUMNS} from audit where ${text} order by seq desc limit ${limit}`,
      values,
    );
    return rows.map(numbered);
  }

  /** Oldest first, all that match. */
  async *all(filter: AuditFilter = {}): AsyncGenerator<ChainedEntry> {
    const { text, values } = whereOf(filter);
    for (let after = 0; ;) {
      const { rows } = await this.pool.query<ChainedEntry>(
        `select ${COLUMNS} from audit where ${text} and seq > $${values.length + 1} order by seq limit ${PAGE}`,
        [...values, after],
      );
      for (const row of rows) yield numbered(row);
      if (rows.length < PAGE) return;
      after = Number(rows.at(-1)!.seq);
    }
  }

  /** @param kept an anchor from an earlier report, kept where nobody who can write to the database can */
  async verify(kept?: ChainHead): Promise<AuditReport> {
    const { rows } = await this.pool.query<ChainHead & { mac: string }>(
      'select seq::int8, hash, mac from audit_anchors order by seq',
    );
    const anchors = rows.map((row) => ({ ...row, seq: Number(row.seq) }));
    const marks: ChainHead[] = [...anchors, ...(kept ? [kept] : [])];
    let walk: ChainCheck | undefined;
    let begins: ChainHead | undefined;
    for await (const entry of this.all()) {
      if (!walk) {
        begins = anchors.find(({ seq }) => seq === entry.seq - 1);
        walk = new ChainCheck(begins ?? GENESIS, marks, this.signer);
      }
      if (walk.problems.length < MOST_PROBLEMS) walk.next(entry);
    }
    // All were dropped in time, or there never were any.
    begins ??= walk ? undefined : anchors.at(-1);
    walk ??= new ChainCheck(begins ?? GENESIS, marks, this.signer);
    walk.end();
    for (const { seq, hash, mac } of anchors) {
      if (this.signer.verify(anchorText({ seq, hash }), mac)) continue;
      walk.problem(seq, 'unsigned', `the anchor at ${seq} was not written by this installation`);
    }
    if (kept && kept.seq < (begins?.seq ?? 0) && !anchors.some(({ seq }) => seq === kept.seq)) {
      walk.problem(kept.seq, 'anchor', `entry ${kept.seq} is gone with the retention: keep a newer anchor`);
    }
    const { problems, count, head } = walk;
    const ends = { seq: head.seq, hash: head.hash };
    const start = begins && { seq: begins.seq, hash: begins.hash };
    return { ok: problems.length === 0, count, head: ends, begins: start, problems: problems.slice(0, MOST_PROBLEMS) };
  }

  /**
   * Drops the entries before the first that is younger, after a signed anchor says where the log begins now.
   *
   * @returns how many
   */
  async forgetBefore(time: Date): Promise<number> {
    const anchor = await this.locked(async (client) => {
      const { rows } = await client.query<ChainHead>(
        `select seq::int8, hash from audit where seq < coalesce((select min(seq) from audit where at >= $1), 9e18::int8)
         order by seq desc limit 1`,
        [time],
      );
      if (!rows[0]) return undefined;
      const { seq, hash } = { ...rows[0], seq: Number(rows[0].seq) };
      const mac = this.signer.sign(anchorText({ seq, hash }));
      await client.query(
        'insert into audit_anchors (seq, hash, at, mac) values ($1, $2, now(), $3) on conflict do nothing',
        [seq, hash, mac],
      );
      return { seq, hash };
    });
    if (!anchor) return 0;
    let dropped = 0;
    for (let batch = PAGE; batch === PAGE; dropped += batch) {
      const { rowCount } = await this.pool.query(
        `delete from audit where seq in (select seq from audit where seq <= $1 order by seq limit ${PAGE})`,
        [anchor.seq],
      );
      batch = rowCount ?? 0;
    }
    if (dropped > 0) {
      await this.record({
        actor: 'system',
        action: 'audit.forget',
        target: `..${anchor.seq}`,
        details: { hash: anchor.hash },
      });
    }
    return dropped;
  }

  private async append(entries: AuditEntry[]): Promise<void> {
    await this.locked(async (client) => {
      const { rows: known } = await client.query<{ id: string }>('select id from audit where id = any($1::uuid[])', [
        entries.map(({ id }) => id),
      ]);
      const seen = new Set(known.map(({ id }) => id));
      const fresh = entries.filter(({ id }) => !seen.has(id!) && seen.add(id!));
      if (fresh.length === 0) return;
      const { rows } = await client.query<ChainHead>(HEAD);
      const head = rows[0] ? { seq: Number(rows[0].seq), hash: rows[0].hash } : GENESIS;
      await insert(client, chain(fresh.map(unchained), head, this.signer));
    });
  }

  /** @throws TransientError `audit-unavailable` (503) */
  private async locked<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    try {
      client = await this.pool.connect();
      await client.query(TAKE_LOCK);
      const result = await work(client);
      await client.query('commit');
      client.release();
      return result;
    } catch (cause) {
      // Not to be used again: it may still hold the lock.
      client?.release(true);
      throw new TransientError(`the audit log cannot be written: ${String(cause)}`, {
        code: 'audit-unavailable',
        status: 503,
        retryAfterMs: 2_000,
        cause,
      });
    }
  }
}

function insert(client: PoolClient, entries: ChainedEntry[]) {
  const column = (name: keyof ChainedEntry) => entries.map((one) => one[name]);
  return client.query(
    `insert into audit (seq, id, at, actor, actor_id, action, tenant, target, details, address, user_agent, outcome, prev,
       hash, mac)
     select * from unnest($1::int8[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::json[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])`,
    [
      ...(['seq', 'id', 'at', 'actor', 'actorId', 'action', 'tenant', 'target', 'details'] as const).map(column),
      ...(['address', 'userAgent', 'outcome', 'prev', 'hash', 'mac'] as const).map(column),
    ],
  );
}

const MOST_CHARACTERS = 500;

function unchained(entry: AuditEntry) {
  return {
    id: entry.id!,
    at: new Date(entry.at!).toISOString(),
    actor: stored(entry.actor)!,
    actorId: stored(entry.actorId),
    action: stored(entry.action)!,
    tenant: stored(entry.tenant),
    target: stored(entry.target)!,
    details: JSON.stringify(entry.details ?? {}),
    address: stored(entry.address),
    userAgent: stored(entry.userAgent),
    outcome: entry.outcome ?? 'done',
  };
}

/** What PostgreSQL gives back as it was given: its text holds neither NUL nor half of a surrogate pair. */
function stored(value: string | undefined): string | null {
  return value === undefined ? null : value.slice(0, MOST_CHARACTERS).replaceAll('\u0000', '\ufffd').toWellFormed();
}

function anchorText({ seq, hash }: ChainHead): string {
  return `anchor ${seq} ${hash}`;
}

function numbered(row: ChainedEntry): ChainedEntry {
  return { ...row, seq: Number(row.seq) };
}
