import { messageOf, PermanentError } from '@spillway/contracts';
import { DatabaseError, type Pool, type PoolClient } from 'pg';
import { ADVISORY_LOCKS } from '../advisory-locks';
import { inTransaction } from '../transaction';
import { TENANT_GRANTS } from './grants';

/** Nobody logs in as this role: who may, takes it on. One for all databases of a server. */
export const TENANT_ROLE = 'spillway_tenant';

const MOST_TRIES = 5;
/** `create role`, `grant role`: another database of the same server does it at the same time. */
const BUSY = ['23505', 'XX000', '40P01'];

/**
 * Makes the role of tenants where it is missing, and gives it the rights that it needs. Done at each start:
 * a role is no part of a dump, and a database may be moved to another server. Harmless when done twice or at once.
 *
 * @throws PermanentError `tenant-role-missing` where the user of DATABASE_URL may not make it
 */
export async function prepareTenantRole(pool: Pool): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await inTransaction(pool, async (client) => {
        await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS['tenant role']]);
        if ((await refusal(client)) !== undefined) await makeRole(client);
        await grant(client);
      });
    } catch (error) {
      if (tries < MOST_TRIES && BUSY.includes(codeOf(error))) continue;
      throw error;
    }
  }
}

/**
 * What is wrong with the role, and what mends it; undefined when nothing is.
 *
 * @throws Error of the database when it does not answer
 */
export async function tenantRoleProblem(pool: Pool): Promise<string | undefined> {
  return inTransaction(pool, async (client) => {
    const refused = await refusal(client);
    const mend = '`spillway migrate` mends it, or says who can';
    if (refused !== undefined) return `the role ${TENANT_ROLE} cannot be taken on: ${refused}; ${mend}`;
    const { missing, surplus } = await differences(client);
    if (missing.length > 0) return `the role ${TENANT_ROLE} lacks ${missing.join(', ')}; ${mend}`;
    const beyond = surplus.map((right) => `revoke ${right} from ${TENANT_ROLE}`);
    return beyond.length === 0 ? undefined : `the role may do more than this version needs: ${beyond.join('; ')}`;
  });
}

/**
 * The owner of the tables is not subject to their policies; a user who is would see nothing, without an error.
 *
 * @throws PermanentError `database-user-restricted`
 */
export async function mustSeeAllRows(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; restricted: boolean }>(
    `select current_user as name, row_security_active('events') as restricted`,
  );
  if (!rows[0]?.restricted) return;
  throw new PermanentError(
    `the database user "${rows[0].name}" does not own the tables of the records, and would see no row`,
    {
      code: 'database-user-restricted',
      remedy: `Let DATABASE_URL name the user who made the tables, or make this one a member of it: grant OWNER to "${rows[0].name}".`,
    },
  );
}

/** Why the role cannot be taken on. */
async function refusal(client: PoolClient): Promise<string | undefined> {
  await client.query('savepoint role');
  try {
    await client.query(`set local role ${TENANT_ROLE}`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await client.query('rollback to savepoint role');
  }
}

/** @throws PermanentError `tenant-role-missing` */
async function makeRole(client: PoolClient): Promise<void> {
  try {
    const { rows } = await client.query('select from pg_roles where rolname = $1', [TENANT_ROLE]);
    if (rows.length === 0) await client.query(`create role ${TENANT_ROLE} nologin`);
    // From PostgreSQL 16 on, who makes a role may not take it on without this.
    await client.query(`grant ${TENANT_ROLE} to current_user`);
    const still = await refusal(client);
    if (still !== undefined) throw new Error(still);
  } catch (cause) {
    if (BUSY.includes(codeOf(cause))) throw cause;
    throw new PermanentError(
      `the database role ${TENANT_ROLE} is missing, and this user may not make it: ${messageOf(cause)}`,
      {
        code: 'tenant-role-missing',
        remedy:
          `Let an administrator of the server run: create role ${TENANT_ROLE} nologin; grant ${TENANT_ROLE} to USER_OF_DATABASE_URL; ` +
          'or set ROW_SECURITY=off (docs/operate/security.md).',
        cause,
      },
    );
  }
}

async function grant(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ schema: string; usable: boolean }>(
    `select quote_ident(current_schema()) as schema, has_schema_privilege($1, current_schema(), 'USAGE') as usable`,
    [TENANT_ROLE],
  );
  if (!rows[0]!.usable) await client.query(`grant usage on schema ${rows[0]!.schema} to ${TENANT_ROLE}`);
  // Nothing is taken away: a newer version, which may need it, runs beside this one while it is rolled out.
  const { missing } = await differences(client);
  for (const right of missing) await client.query(`grant ${right} to ${TENANT_ROLE}`);
}

/** Between what the role may do with the tables and what it shall. */
async function differences(client: PoolClient): Promise<{ missing: string[]; surplus: string[] }> {
  const { rows } = await client.query<{ right: string }>(
    `select a.privilege_type || ' on ' || quote_ident(c.relname) as right
     from pg_class c, aclexplode(c.relacl) a
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
       and a.grantee = (select oid from pg_roles where rolname = $1)`,
    [TENANT_ROLE],
  );
  const has = rows.map(({ right }) => right);
  const wanted = Object.entries(TENANT_GRANTS).flatMap(([table, rights]) => rights.map((one) => `${one} on ${table}`));
  return {
    missing: wanted.filter((right) => !has.includes(right)),
    surplus: has.filter((right) => !wanted.includes(right)),
  };
}

function codeOf(error: unknown): string {
  return error instanceof DatabaseError ? (error.code ?? '') : '';
}
