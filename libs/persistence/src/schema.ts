import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** The tables of the records, as Kysely sees them. The truth is in `migrations/`. */
export interface Schema {
  resources: ResourcesTable;
  api_keys: ApiKeysTable;
  users: UsersTable;
  user_roles: UserRolesTable;
  sessions: SessionsTable;
  events: EventsTable;
  jobs: JobsTable;
  attempts: AttemptsTable;
  runs: RunsTable;
  run_tasks: RunTasksTable;
  flow_versions: FlowVersionsTable;
  effects: EffectsTable;
  outbox: OutboxTable;
  quarantine: QuarantineTable;
  used_tokens: UsedTokensTable;
  collisions: CollisionsTable;
  usage: UsageTable;
  audit: AuditTable;
  audit_anchors: AuditAnchorsTable;
}

/** JSON kept as text: `jsonb` refuses \u0000 and lone surrogates, which other people's payloads may hold. */
type Json<T> = ColumnType<T, string, string>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;
type Made = ColumnType<Date, Date | string | undefined, Date | string>;

interface ResourcesTable {
  kind: string;
  /** The tenant itself, for a Tenant. */
  tenant: string;
  name: string;
  spec: Json<unknown>;
  /** Secrets, sealed: name → base64. */
  sealed: Json<Record<string, string>>;
  version: number;
  created_at: Made;
  updated_at: Made;
}

interface ApiKeysTable {
  id: string;
  /** Null: a key of the platform, for every tenant. */
  tenant: string | null;
  name: string;
  hash: Buffer;
  /** The first characters, to recognize it by. */
  hint: string;
  scopes: string[];
  expires_at: Timestamp | null;
  created_at: Made;
  last_used_at: Timestamp | null;
  revoked_at: Timestamp | null;
  description: string | null;
  created_by: string | null;
  rotated_at: Timestamp | null;
  /** The secret before this one, while it still works. */
  previous_hash: Buffer | null;
  previous_until: Timestamp | null;
  previous_used_at: Timestamp | null;
}

interface UsersTable {
  name: string;
  /** Null: logs in through the OpenID provider only. */
  password: string | null;
  /** Who this is to the OpenID provider. */
  issuer: string | null;
  subject: string | null;
  created_at: Made;
  last_login_at: Timestamp | null;
}

interface UserRolesTable {
  user_name: string;
  /** `*`: every tenant. */
  tenant: string;
  role: 'viewer' | 'operator' | 'admin';
  /** Given by the OpenID provider at the last login, and taken away by it. */
  mapped: ColumnType<boolean, boolean | undefined, boolean>;
  created_at: Made;
}

interface SessionsTable {
  hash: Buffer;
  id: string;
  user_name: string;
  created_at: Made;
  used_at: Made;
  expires_at: Timestamp;
  address: string | null;
  user_agent: string | null;
  /** password | oidc */
  via: string;
}

interface EventsTable {
  id: string;
  tenant: string;
  source: string;
  provider: string;
  type: string;
  subject: string | null;
  provider_id: string | null;
  dedupe_key: string;
  body_sha256: string;
  bytes: number;
  correlation_id: string;
  via: string;
  /** accepted → moving → done | dead-letter | cancelled | unrouted */
  state: string;
  event: Json<unknown>;
  accepted_at: Timestamp;
  routed_at: Timestamp | null;
  ended_at: Timestamp | null;
  error: Json<unknown> | null;
  payload_gone: Generated<boolean>;
}

interface JobsTable {
  id: string;
  queue: string;
  tenant: string;
  event_id: string;
  route: string;
  task: string;
  target: number;
  run_id: string | null;
  /** queued | done | dead-letter | cancelled */
  state: string;
  attempts: number;
  created_at: Timestamp;
  state_at: Timestamp;
  error: Json<unknown> | null;
  /** The attempt that did it, when that was the first. */
  first_id: string | null;
  first_at: Timestamp | null;
  first_ms: number | null;
  first_worker: string | null;
  first_status: number | null;
}

interface AttemptsTable {
  id: string;
  job_id: string;
  event_id: string;
  tenant: string;
  queue: string;
  attempt: number;
  outcome: string;
  duration_ms: number;
  error: Json<unknown> | null;
  repeat: boolean;
  recorded: boolean;
  status: number | null;
  worker: string;
  at: Timestamp;
}

interface RunsTable {
  id: string;
  tenant: string;
  flow: string;
  hash: string;
  version: string;
  route: string;
  event_id: string;
  parent_run: string | null;
  parent_node: number | null;
  seq: number;
  status: string;
  state: Json<unknown>;
  jobs: number;
  wake_at: Timestamp | null;
  priority: string;
  correlation_id: string;
  started_at: Timestamp;
  ended_at: Timestamp | null;
}

interface FlowVersionsTable {
  tenant: string;
  flow: string;
  hash: string;
  version: string;
  definition: Json<unknown>;
  created_at: Made;
}

interface RunTasksTable {
  run_id: string;
  node: number;
  path: string;
  name: string;
  kind: string;
  attempt: number | null;
  iteration: number | null;
  status: string;
  input: Json<unknown> | null;
  output: Json<unknown> | null;
  answer: Json<unknown> | null;
  error: Json<unknown> | null;
  started_at: Timestamp;
  ended_at: Timestamp;
}

interface EffectsTable {
  key: string;
  tenant: string;
  job_id: string;
  result: Json<unknown> | null;
  created_at: Made;
}

interface OutboxTable {
  id: Generated<string>;
  tenant: string;
  event_id: string;
  dedupe_id: string;
  job: Json<unknown>;
  created_at: Made;
  relayed_at: Timestamp | null;
  /** The quota that keeps it aside. */
  parked_for: string | null;
  ordering: string | null;
  /** Found at the relay to be the same event as this one. */
  duplicate_of: string | null;
}

interface QuarantineTable {
  id: string;
  tenant: string;
  source: string;
  /** held | released */
  state: string;
  code: string;
  reason: string;
  method: string;
  url: string;
  headers: JSONColumnType<Record<string, string | string[]>>;
  body: Buffer;
  received_at: Timestamp;
  released_at: Timestamp | null;
  event_ids: string[];
}

interface UsedTokensTable {
  tenant: string;
  source: string;
  token: string;
  body_sha256: string;
  used_at: Made;
}

interface CollisionsTable {
  id: string;
  event_id: string;
  tenant: string;
  source: string;
  body_sha256: string;
  at: Timestamp;
}

interface UsageTable {
  tenant: string;
  day: ColumnType<string, string, string>;
  source: string;
  metric: string;
  count: ColumnType<string, number, number>;
  bytes: ColumnType<string, number, number>;
  changed_at: Made;
}

interface AuditTable {
  /** 1, 2, 3, …: without a gap. */
  seq: string;
  id: string;
  at: Timestamp;
  actor: string;
  actor_id: string | null;
  action: string;
  tenant: string | null;
  target: string;
  details: Json<unknown>;
  address: string | null;
  user_agent: string | null;
  outcome: string;
  prev: string;
  hash: string;
  mac: string;
}

interface AuditAnchorsTable {
  seq: string;
  hash: string;
  at: Timestamp;
  mac: string;
}
