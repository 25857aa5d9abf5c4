import type { Pool } from 'pg';
import { secretPlace } from './resources';
import type { Sealer } from './sealer';

interface Row {
  kind: string;
  tenant: string;
  name: string;
  version: number;
  sealed: Record<string, string>;
}

/**
 * Seals the secrets of all documents with the sealer's first key.
 *
 * @returns how many documents had secrets under another key
 */
export async function resealSecrets(pool: Pool, sealer: Sealer): Promise<number> {
  const { rows } = await pool.query<Row>(
    `select kind, tenant, name, version, sealed from resources where sealed::text <> '{}'`,
  );
  let count = 0;
  for (const { kind, tenant, name, version, sealed } of rows) {
    const entries = Object.entries(sealed);
    const place = (secret: string) => secretPlace(kind, tenant, name, secret);
    if (entries.every(([secret, text]) => sealer.isCurrent(text, place(secret)))) continue;
    const again = entries.map(([secret, text]) => [
      secret,
      sealer.seal(sealer.open(text, place(secret)), place(secret)),
    ]);
    const { rowCount } = await pool.query(
      'update resources set sealed = $5 where kind = $1 and tenant = $2 and name = $3 and version = $4',
      [kind, tenant, name, version, JSON.stringify(Object.fromEntries(again))],
    );
    count += rowCount ?? 0;
  }
  return count;
}
