import { TransientError } from '@spillway/contracts';
import type { Pool } from 'pg';
import { batched } from '../batcher';

/** What is known of an effect when a job wants to have it. */
export type Begun =
  | { state: 'done'; result: unknown }
  /** `repeat`: it was begun before and its end is not known; the other side may see it again. */
  | { state: 'begun'; repeat: boolean };

interface Begin {
  key: string;
  tenant: string;
  jobId: string;
}

/**
 * Outside actions under their keys: recorded as begun before they are made, as done before their job completes. A retry
 * gets the recorded result; one that finds only the beginning must do it again and says so (DESIGN.md, promise 2).
 */
export class EffectStore {
  /** @throws TransientError `records-unavailable` when PostgreSQL is away. */
  readonly begin: (effect: Begin) => Promise<Begun>;
  /** @throws TransientError `records-unavailable` when PostgreSQL is away. */
  readonly finish: (effect: { key: string; result: unknown }) => Promise<void>;

  constructor(private readonly pool: Pool) {
    this.begin = batched((items: Begin[]) => this.beginAll(items), 500);
    this.finish = batched((items: { key: string; result: unknown }[]) => this.finishAll(items), 500);
  }

  private async beginAll(items: Begin[]): Promise<Begun[]> {
    // One statement cannot touch a row twice; a key asked for twice at once is begun once and repeated once.
    const unique = new Map(items.map((item) => [item.key, item]));
    const rows = await this.query<{ key: string; state: string; attempts: number; result: unknown }>(
      `insert into effects (key, tenant, job_id, state, attempts)
       select key, tenant, job_id, 'started', 1 from unnest($1::text[], $2::text[], $3::text[]) as t (key, tenant, job_id)
       on conflict (key) do update set
         attempts = effects.attempts + (case when effects.state = 'started' then 1 else 0 end), updated_at = now()
       returning key, state, attempts, result`,
      [
        [...unique.keys()],
        [...unique.values()].map((item) => item.tenant),
        [...unique.values()].map((item) => item.jobId),
      ],
    );
    const found = new Map(rows.map((row) => [row.key, row]));
    const seen = new Set<string>();
    return items.map(({ key }) => {
      const row = found.get(key)!;
      const repeat = row.attempts > 1 || seen.has(key);
      seen.add(key);
      return row.state === 'done' ? { state: 'done', result: row.result } : { state: 'begun', repeat };
    });
  }

  private async finishAll(items: { key: string; result: unknown }[]): Promise<void[]> {
    const unique = new Map(items.map((item) => [item.key, item.result]));
    await this.query(
      `update effects set state = 'done', result = t.result, updated_at = now()
       from unnest($1::text[], $2::json[]) as t (key, result) where effects.key = t.key`,
      [[...unique.keys()], [...unique.values()].map((result) => JSON.stringify(result ?? null))],
    );
    return items.map(() => undefined);
  }

  /** Forgets effects older than this. @returns how many */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from effects where key in (select key from effects where created_at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }

  private async query<Row>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      const { rows } = await this.pool.query({ name: `effects-${text.slice(0, 6)}`, text, values });
      return rows as Row[];
    } catch (cause) {
      throw new TransientError('the effect could not be recorded: PostgreSQL did not answer', {
        code: 'records-unavailable',
        cause,
      });
    }
  }
}
