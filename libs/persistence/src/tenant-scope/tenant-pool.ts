import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { currentTenants } from './scope';

/** How `pg` tells who does not await. */
type Taken = Parameters<Pool['connect']>[0];

const FEWEST = 2;
/** Names of tenants hold no comma. Both are set each time, so nothing depends on who had the connection before. */
const ENTER = `select set_config('role', $1, false), set_config('spillway.tenants', $2, false)`;

/**
 * Connections that have the role of tenants, and are handed out for those of the current scope only.
 *
 * The settings are of the connection and not of a transaction, so that they hold whatever transactions the borrower
 * begins and ends. One that is given back within a transaction is closed: rolling that back later would bring the tenants
 * of before back.
 */
export class TenantPool extends Pool {
  /** @param config its `max` is what the other pool has; this one has half of it */
  constructor(
    config: PoolConfig & { max: number },
    private readonly role: string,
  ) {
    super({ ...config, max: Math.max(FEWEST, Math.ceil(config.max / 2)) });
  }

  override connect(): Promise<PoolClient>;
  override connect(taken: Taken): void;
  override connect(taken?: Taken): Promise<PoolClient> | void {
    const tenants = currentTenants() ?? [];
    const entered = super.connect().then((client) => this.enter(client, tenants));
    if (!taken) return entered;
    entered.then(
      (client) => taken(undefined, client, client.release.bind(client)),
      (error: Error) => taken(error, undefined, () => undefined),
    );
  }

  private async enter(client: PoolClient, tenants: readonly string[]): Promise<PoolClient> {
    const release = client.release.bind(client);
    try {
      await client.query({ name: 'enter-tenants', text: ENTER, values: [this.role, tenants.join(',')] });
    } catch (error) {
      release(true);
      throw error;
    }
    client.release = (error) => release(error ?? isInTransaction(client));
    return client;
  }
}

function isInTransaction(client: PoolClient): boolean {
  return (client as PoolClient & { getTransactionStatus(): string | null }).getTransactionStatus() !== 'I';
}
