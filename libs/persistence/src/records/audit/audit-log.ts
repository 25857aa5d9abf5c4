import { setTimeout as wait } from 'node:timers/promises';
import { newId, TransientError } from '@spillway/contracts';
import type { Pool } from 'pg';
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

const PAGE = 1_000;
const MOST_PROBLEMS = 100;
/** Who lost its turn again and again gives up after so long, milliseconds. */
const PATIENCE_MS = 10_000;
const MOST_PAUSE_MS = 50;
/** What the next entry follows, and which of these are there already. */
const HEAD = `
  select h.seq::int8, h.hash, array(select id from audit where id = any($1::uuid[])) as known
  from (select) one left join (
    select seq, hash from (select seq, hash from audit union all select seq, hash from audit_anchors) a
    order by seq desc limit 1
  ) h on true`;
const UNIQUE_VIOLATION = '23505';

/**
 * Who did what to the platform, and who looked at payloads: append-only, and in one chain of hashes for the installation.
 * An entry goes behind the last one that its writer saw, in one statement, and who comes second looks again: nothing is
 * held meanwhile, so that a process that is halted stops nobody. What one process has to write at the same time goes
 * together, and no event waits for it.
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
    const anchor = await this.anchor(time);
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

  /** @throws TransientError `audit-unavailable` (503) */
  private async append(entries: AuditEntry[]): Promise<void> {
    try {
      for (const until = Date.now() + PATIENCE_MS; !(await this.tryToAppend(entries));) {
        if (Date.now() > until) throw new Error('others were quicker for too long');
        await wait(Math.random() * MOST_PAUSE_MS);
      }
    } catch (cause) {
      throw new TransientError(`the audit log cannot be written: ${String(cause)}`, {
        code: 'audit-unavailable',
        status: 503,
        retryAfterMs: 2_000,
        cause,
      });
    }
  }

  /** @returns false when another entry came between */
  private async tryToAppend(entries: AuditEntry[]): Promise<boolean> {
    const { rows } = await this.pool.query<Partial<ChainHead> & { known: string[] }>({
      name: 'audit-head',
      text: HEAD,
      values: [entries.map(({ id }) => id)],
    });
    const { seq, hash, known } = rows[0]!;
    const seen = new Set(known);
    const fresh = entries.filter(({ id }) => !seen.has(id!) && seen.add(id!));
    if (fresh.length === 0) return true;
    const head = hash ? { seq: Number(seq), hash } : GENESIS;
    try {
      return await insert(this.pool, chain(fresh.map(unchained), head, this.signer));
    } catch (error) {
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  /** Signs where the log is to begin. @returns the last entry that may go; undefined: none may */
  private async anchor(time: Date): Promise<ChainHead | undefined> {
    const { rows } = await this.pool.query<ChainHead>(
      `select seq::int8, hash from audit where seq < coalesce((select min(seq) from audit where at >= $1), 9e18::int8)
       order by seq desc limit 1`,
      [time],
    );
    if (!rows[0]) return undefined;
    const { seq, hash } = { ...rows[0], seq: Number(rows[0].seq) };
    await this.pool.query(
      'insert into audit_anchors (seq, hash, at, mac) values ($1, $2, now(), $3) on conflict do nothing',
      [seq, hash, this.signer.sign(anchorText({ seq, hash }))],
    );
    return { seq, hash };
  }
}

/**
 * A second writer of the same number waits for the first at the key, and is told; whose predecessors went with the
 * retention meanwhile finds the anchor.
 *
 * @returns false when others wrote behind the head that these follow
 */
async function insert(pool: Pool, entries: ChainedEntry[]): Promise<boolean> {
  const column = (name: keyof ChainedEntry) => entries.map((one) => one[name]);
  const { rowCount } = await pool.query({
    name: 'audit-append',
    text: `insert into audit (seq, id, at, actor, actor_id, action, tenant, target, details, address, user_agent, outcome,
       prev, hash, mac)
     select * from unnest($1::int8[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::json[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
     where not exists (select from audit where seq >= $16) and not exists (select from audit_anchors where seq >= $16)`,
    values: [
      ...(['seq', 'id', 'at', 'actor', 'actorId', 'action', 'tenant', 'target', 'details'] as const).map(column),
      ...(['address', 'userAgent', 'outcome', 'prev', 'hash', 'mac'] as const).map(column),
      entries[0]!.seq,
    ],
  });
  return rowCount === entries.length;
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
