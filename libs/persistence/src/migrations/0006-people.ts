import { type Kysely, sql } from 'kysely';

/** Keys that can be rotated, people with roles in tenants, sessions that can be seen, and an audit log in a chain. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table api_keys
    add column description text,
    add column created_by text,
    add column rotated_at timestamptz,
    -- The secret before this one, while it still works.
    add column previous_hash bytea,
    add column previous_until timestamptz,
    add column previous_used_at timestamptz`,
  // A revoked key does not stand in the way of its own secret.
  `alter table api_keys drop constraint api_keys_hash_key`,
  `create unique index api_keys_by_hash on api_keys (hash) where revoked_at is null`,
  `create index api_keys_by_previous on api_keys (previous_hash) where previous_hash is not null`,
  // Of several with one name the newest stays.
  `update api_keys k set revoked_at = now() where revoked_at is null and exists (
    select from api_keys n where n.revoked_at is null and n.name = k.name and n.tenant is not distinct from k.tenant
      and (n.created_at, n.id) > (k.created_at, k.id))`,
  `create unique index api_keys_by_name on api_keys (coalesce(tenant, ''), name) where revoked_at is null`,

  `create table user_roles (
    user_name text not null references users (name) on delete cascade,
    -- '*': every tenant.
    tenant text not null,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    -- Given by the OpenID provider at the last login, and taken away by it.
    mapped boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (user_name, tenant)
  )`,
  `insert into user_roles (user_name, tenant, role) select name, '*', role from users`,
  `alter table users
    drop column role,
    alter column password drop not null,
    -- Who this is to the OpenID provider.
    add column issuer text,
    add column subject text,
    add column last_login_at timestamptz,
    add unique (issuer, subject)`,

  `delete from sessions`,
  `alter table sessions
    add column id uuid not null unique,
    add column used_at timestamptz not null default now(),
    add column address text,
    add column user_agent text,
    add column via text not null default 'password'`,
  `create index sessions_by_user on sessions (user_name)`,

  // Nothing is released: entries of before the chain could not be put into it without inventing hashes for them.
  `drop table audit`,
  `create table audit (
    seq bigint primary key,
    id uuid not null unique,
    at timestamptz not null,
    actor text not null,
    actor_id text,
    action text not null,
    tenant text,
    target text not null,
    details json not null,
    address text,
    user_agent text,
    outcome text not null,
    -- Of the entry before, and of this one; then a signature over the latter.
    prev text not null,
    hash text not null,
    mac text not null
  )`,
  `create index audit_by_tenant on audit (tenant, seq desc)`,
  // Where the log begins after its oldest entries were dropped, signed.
  `create table audit_anchors (
    seq bigint primary key,
    hash text not null,
    at timestamptz not null,
    mac text not null
  )`,
  `create function audit_append_only() returns trigger language plpgsql as $$
  begin
    -- The one way out: entries up to an anchor, which must be there first and can never be taken away.
    if tg_op = 'DELETE' and tg_table_name = 'audit' then
      if exists (select from audit_anchors a where a.seq >= old.seq) then
        return old;
      end if;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
  end $$`,
  ...['audit', 'audit_anchors'].flatMap((table) => [
    `create trigger ${table}_rows before update or delete on ${table} for each row execute function audit_append_only()`,
    `create trigger ${table}_truncate before truncate on ${table} execute function audit_append_only()`,
  ]),
];
