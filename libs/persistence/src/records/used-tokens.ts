import type { Pool } from 'pg';

/** `same`: used before with the same body, a redelivery; `other`: used before with another one, a forgery. */
export type TokenUse = 'fresh' | 'same' | 'other';

/** Tokens that a sender may use once. */
export class UsedTokens {
  constructor(private readonly pool: Pool) {}

  async use(tenant: string, source: string, token: string, bodySha256: string): Promise<TokenUse> {
    const { rows } = await this.pool.query<{ body_sha256: string; fresh: boolean }>(
      `insert into used_tokens (tenant, source, token, body_sha256) values ($1, $2, $3, $4)
       on conflict (tenant, source, token) do update set token = excluded.token
       returning body_sha256, xmax = 0 as fresh`,
      [tenant, source, token.slice(0, 500), bodySha256],
    );
    const row = rows[0]!;
    if (row.fresh) return 'fresh';
    return row.body_sha256 === bodySha256 ? 'same' : 'other';
  }

  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from used_tokens where ctid in (select ctid from used_tokens where used_at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }
}
