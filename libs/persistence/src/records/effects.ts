import { TransientError } from '@spillway/contracts';
import type { Pool } from 'pg';
import { jsons, texts } from '../arrays';
import { batched } from '../batcher';
import type { Vault } from '../vault/vault';

/** What is known of an effect when a job wants to have it: what it came to, or nothing. */
export type Known = { result: unknown } | undefined;

interface Effect {
  key: string;
  tenant: string;
  jobId: string;
  result: unknown;
}

/**
 * Outside actions under their keys, recorded before their job completes. A job that comes again gets the recorded result
 * (docs/architecture.md, "Working").
 */
export class EffectStore {
  /** @throws TransientError `records-unavailable` when PostgreSQL is away. */
  readonly find: (key: string) => Promise<Known>;
  /** @throws TransientError `records-unavailable` when PostgreSQL is away. */
  readonly record: (effect: Effect) => Promise<void>;

  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {
    this.find = batched((keys: string[]) => this.findAll(keys), { most: 500 });
    this.record = batched((effects: Effect[]) => this.recordAll(effects), { most: 500 });
  }

  private async findAll(keys: string[]): Promise<Known[]> {
    const rows = await this.query<{ key: string; result: unknown }>({
      name: 'effects-find',
      text: 'select key, result from effects where key = any($1::text[])',
      values: [texts(keys)],
    });
    const opened = await this.vault.showAll(rows, (row) => [[['effect', row.key], row.result]]);
    const found = new Map(rows.map((row, index) => [row.key, { result: opened[index]![0] }]));
    return keys.map((key) => found.get(key));
  }

  /** The first result stands: two workers may have had the same job, when one lost its lock. */
  private async recordAll(effects: Effect[]): Promise<void[]> {
    await this.vault.ready(effects.map(({ tenant }) => tenant));
    await this.query({
      name: 'effects-record',
      text: `insert into effects (key, tenant, job_id, result)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::json[])
        on conflict (key) do nothing`,
      values: [
        texts(effects.map((effect) => effect.key)),
        texts(effects.map((effect) => effect.tenant)),
        texts(effects.map((effect) => effect.jobId)),
        jsons(effects.map(({ tenant, key, result }) => this.vault.json(tenant, ['effect', key], result))),
      ],
    });
    return effects.map(() => undefined);
  }

  /** Forgets effects older than this. @returns how many */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from effects where key in (select key from effects where created_at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }

  private async query<Row>(query: { name: string; text: string; values: unknown[] }): Promise<Row[]> {
    try {
      const { rows } = await this.pool.query(query);
      return rows as Row[];
    } catch (cause) {
      throw new TransientError('the effect could not be recorded: PostgreSQL did not answer', {
        code: 'records-unavailable',
        cause,
      });
    }
  }
}
