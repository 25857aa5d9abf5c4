import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { currentTenants } from './scope';
import { TenantPool } from './tenant-pool';

/** How `pg` tells who does not await. */
type Taken = Parameters<Pool['connect']>[0];

/**
 * Connections to the records. What is asked for in the scope of tenants is done on a connection of a second pool, in which
 * every connection has the role of tenants: a connection of the first never has it, so none can keep it by mistake.
 */
export class RecordsPool extends Pool {
  private readonly ofTenants?: TenantPool;

  /** @param tenantRole left out, scopes change nothing */
  constructor(config: PoolConfig & { max: number }, tenantRole?: string) {
    super(config);
    outlivesItsConnections(this);
    if (tenantRole === undefined) return;
    this.ofTenants = new TenantPool(config, tenantRole);
    outlivesItsConnections(this.ofTenants);
  }

  override connect(): Promise<PoolClient>;
  override connect(taken: Taken): void;
  override connect(taken?: Taken): Promise<PoolClient> | void {
    if (this.ofTenants && currentTenants()) return this.ofTenants.connect(taken as Taken);
    return super.connect(taken as Taken);
  }

  override query(...query: unknown[]): never {
    if (this.ofTenants && currentTenants()) return (this.ofTenants as unknown as AnyQuery).query(...query);
    return (super.query as AnyQuery['query']).apply(this, query);
  }

  override end(): Promise<void>;
  override end(done: () => void): void;
  override end(done?: () => void): Promise<void> | void {
    const ended = Promise.all([super.end(), this.ofTenants?.end()]).then(() => undefined);
    return done ? void ended.then(done) : ended;
  }
}

interface AnyQuery {
  query(...query: unknown[]): never;
}

function outlivesItsConnections(pool: Pool): void {
  // An idle connection that drops must not end the process; the next query opens a new one.
  pool.on('error', () => undefined);
  // Nor one in the middle of a transaction, which the pool does not look after: its next query fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
}
