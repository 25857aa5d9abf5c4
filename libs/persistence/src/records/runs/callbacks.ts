import type { Pool } from 'pg';
import type { Vault } from '../../vault/vault';
import { inboxJson } from './commit';

/** What a run waits for from outside: a system that calls back, or a person who decides. */
export interface Callback {
  runId: string;
  node: number;
  tenant: string;
  kind: 'callback' | 'approval';
  title: string;
  details: unknown;
  createdAt: Date;
  expiresAt: Date;
  answeredAt: Date | null;
  answeredBy: string | null;
  answer: unknown;
}

const COLUMNS = `run_id as "runId", node, tenant, kind, title, details, created_at as "createdAt",
  expires_at as "expiresAt", answered_at as "answeredAt", answered_by as "answeredBy", answer`;

/** Answers that runs wait for: each is given once, and who gave it is kept. */
export class Callbacks {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /** Done again, it changes nothing. */
  async open(callback: Omit<Callback, 'createdAt' | 'answeredAt' | 'answeredBy' | 'answer'>): Promise<void> {
    const { runId, node, tenant, kind, title, details, expiresAt } = callback;
    await this.vault.ready([tenant]);
    const kept = this.vault.json(tenant, ['callback', runId, node], { title, details: details ?? null });
    await this.pool.query(
      `insert into run_callbacks (run_id, node, tenant, kind, title, details, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [runId, node, tenant, kind, '', kept, expiresAt],
    );
  }

  async find(runId: string, node: number): Promise<Callback | undefined> {
    const { rows } = await this.pool.query<Callback>(
      `select ${COLUMNS} from run_callbacks where run_id = $1 and node = $2`,
      [runId, node],
    );
    return rows[0] && this.opened(rows[0]);
  }

  /** Those nobody has answered, oldest first. */
  async waiting(filter: { tenant?: string; kind?: Callback['kind']; limit: number }): Promise<Callback[]> {
    const { rows } = await this.pool.query<Callback>(
      `select ${COLUMNS} from run_callbacks c where answered_at is null and expires_at > now()
         and ($1::text is null or tenant = $1) and ($2::text is null or kind = $2)
         and exists (select from runs r where r.id = c.run_id and r.ended_at is null)
       order by created_at limit $3`,
      [filter.tenant ?? null, filter.kind ?? null, filter.limit],
    );
    return Promise.all(rows.map((row) => this.opened(row)));
  }

  /**
   * Takes an answer and puts it into the run's inbox, in one transaction.
   *
   * @returns whether it is the first
   */
  async answer(
    callback: Pick<Callback, 'runId' | 'node' | 'tenant'>,
    given: { by: string; answer: unknown; key: string; input: unknown },
  ): Promise<boolean> {
    const { tenant, runId, node } = callback;
    await this.vault.ready([tenant]);
    const { rows } = await this.pool.query<{ n: number }>(
      `with taken as (
         update run_callbacks set answered_at = now(), answered_by = $3, answer = $4
         where run_id = $1 and node = $2 and answered_at is null
         returning run_id
       ), delivered as (
         insert into run_inbox (run_id, key, input) select run_id, $5, $6::json from taken on conflict do nothing
       )
       select count(*)::int as n from taken`,
      [
        runId,
        node,
        given.by,
        this.vault.json(tenant, ['callback', runId, node, 'answer'], given.answer),
        given.key,
        inboxJson(this.vault, tenant, ['inbox', runId, given.key], given.input),
      ],
    );
    return rows[0]!.n === 1;
  }

  private async opened(row: Callback): Promise<Callback> {
    const { runId, node } = row;
    const [kept, answer] = await Promise.all([
      this.vault.show<{ title?: string; details?: unknown }>(['callback', runId, node], row.details),
      this.vault.show(['callback', runId, node, 'answer'], row.answer),
    ]);
    return { ...row, title: kept.title ?? '', details: kept.details ?? null, answer };
  }
}
