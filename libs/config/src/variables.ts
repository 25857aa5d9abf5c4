import { ROLES, type Role } from '@spillway/contracts';
import { z } from 'zod';
import { commaList, duration, flag, port } from './fields';
import { oidcVariables } from './oidc-variables';
import { telemetryVariables } from './telemetry';

const roles = commaList.pipe(z.array(z.enum(ROLES)).min(1)).prefault(ROLES.join(','));

const MOST_PARTITIONS = 256;

/** `0-3,6` → 0, 1, 2, 3, 6. */
export const partitionsSchema = z
  .string()
  .regex(/^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$/, 'must be numbers and ranges, as 0-3,6')
  .transform((value) => {
    const ranges = value.split(',').map((part) => part.split('-').map(Number));
    const all = ranges.flatMap(([from, to = from]) =>
      Array.from({ length: Math.max(0, to! - from! + 1) }, (_, index) => from! + index),
    );
    return [...new Set(all)].sort((one, other) => one - other);
  });

/** 32 bytes as 64 hex digits or as base64; openssl rand -hex 32 makes one. */
const key = z.string().refine((value) => keyBytes(value).length === 32, 'must be 32 bytes, as 64 hex digits or base64');

export function keyBytes(value: string): Buffer {
  return /^[0-9a-fA-F]{64}$/.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'base64');
}

/** Every environment variable Spillway reads. docs/configuration.md is made from this. */
export const variablesSchema = z.object({
  NODE_ENV: z.string().default('development').describe('`production` refuses the demo and asks for keys.'),
  SPILLWAY_DIR: z.string().default('.spillway').describe('Where the embedded PostgreSQL and local keys live.'),
  DATABASE_URL: z.string().optional().describe('PostgreSQL 14 or newer. Unset: an embedded one under `SPILLWAY_DIR`.'),
  DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(2)
    .default(10)
    .describe('Connections per process for records; with `ROW_SECURITY`, the admin may open half as many more.'),
  QUEUES_POOL: z.coerce
    .number()
    .int()
    .min(2)
    .default(8)
    .describe('Connections per process for queues on PostgreSQL, beside one for each queue and partition it serves.'),
  ROW_SECURITY: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      "Requests that tenants' keys and people make to the operations API reach the records under the role `spillway_tenant`, which PostgreSQL shows their tenants' rows only (docs/operate/security.md).",
    ),
  REDIS_URL: z
    .string()
    .optional()
    .describe(
      'Redis 7 or Valkey 8 for the queues: `redis://`, `redis+cluster://` or `redis+sentinel://` (docs/operate/redis.md). Unset: queues on PostgreSQL.',
    ),
  REDIS_NAT_MAP: z
    .string()
    .optional()
    .describe(
      'Where nodes of a cluster, or those that sentinels name, are to be reached: `10.0.0.1:6379=host:30001,…`.',
    ),
  REDIS_WAIT_REPLICAS: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('A job counts as added when so many replicas have it, so that it outlives its primary.'),
  REDIS_WAIT_TIMEOUT: duration('1s').describe('How long replicas may take; then the event goes to the outbox.'),
  QUEUE_PREFIX: z.string().default('spillway').describe('Prefix of Redis keys, or PostgreSQL schema of the queues.'),
  SPILLWAY_PARTITIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_PARTITIONS)
    .default(1)
    .describe('Partitions of the queues; a tenant belongs to one. Changing it: docs/operate/redis.md.'),
  WORKER_PARTITIONS: partitionsSchema
    .optional()
    .describe('Partitions whose jobs this process takes, as `0-3,6`. Unset: all.'),
  SPILLWAY_ROLES: roles.describe('Roles this process plays, separated by commas. Default: all.'),
  HOST: z.string().default('127.0.0.1').describe('Address the HTTP servers listen on; `0.0.0.0` for all.'),
  INGRESS_PORT: port(3000).describe('Port of the ingress API.'),
  ADMIN_PORT: port(3100).describe('Port of the admin: Bull Board and the operations API.'),
  PUBLIC_URL: z.url().optional().describe('What the outside calls the ingress API; some providers sign it.'),
  MAX_BODY: z.coerce
    .number()
    .int()
    .min(1024)
    .default(1_048_576)
    .describe('Largest request body in bytes; more is a 413.'),
  MAX_IN_FLIGHT: z.coerce.number().int().min(1).default(2_000).describe('Requests accepted at once; more are a 429.'),
  ACCEPT_INTO: z
    .enum(['queues', 'both', 'outbox'])
    .optional()
    .describe(
      '`both`: an event is in its queue, and in PostgreSQL until the ledger has it; `outbox`: events wait in PostgreSQL and the queues run empty, for maintenance. If not set: `both` where Redis has replicas (Sentinel, Cluster, REDIS_WAIT_REPLICAS), `queues` else.',
    ),
  MAX_OUTBOX: z.coerce
    .number()
    .int()
    .min(0)
    .default(1_000_000)
    .describe('Events the outbox may hold while the queues are away; more are a 503.'),
  MAX_QUARANTINE: z.coerce
    .number()
    .int()
    .min(0)
    .default(10_000)
    .describe('Refused requests kept for one source; more are refused and not kept.'),
  QUEUE_ADD_TIMEOUT: duration('3s').describe('How long ingress waits for the queues before it uses the outbox.'),
  SPILLWAY_KEY: key
    .optional()
    .describe(
      'Seals secrets at rest (AES-256-GCM). Unset with the embedded PostgreSQL: made and kept under `SPILLWAY_DIR`.',
    ),
  SPILLWAY_OTHER_KEYS: commaList
    .pipe(z.array(key))
    .prefault('')
    .describe('Former and coming values of `SPILLWAY_KEY`, separated by commas, while it is changed.'),
  ENCRYPTION: z
    .enum(['on', 'off'])
    .optional()
    .describe(
      "Seals payloads at rest, in the records and the queues, each under its tenant's key. Unset: on where `SPILLWAY_KEY` is set.",
    ),
  JOB_SIGNING: z
    .enum(['on', 'off'])
    .optional()
    .describe('Refuses jobs that Spillway did not put into the queues itself. Unset: on in production.'),
  ADMIN_PASSWORD: z
    .string()
    .min(12)
    .optional()
    .describe('Password of the user `admin`. Unset with the embedded PostgreSQL: made and kept under `SPILLWAY_DIR`.'),
  ADMIN_API_KEY: z
    .string()
    .min(24)
    .optional()
    .describe(
      'A key of the platform with every scope. Unset with the embedded PostgreSQL: made and kept under `SPILLWAY_DIR`.',
    ),
  ADMIN_PUBLIC_URL: z
    .url()
    .optional()
    .describe(
      'What people call the admin: with `https://`, its cookies are sent over TLS only. OpenID Connect needs it.',
    ),
  TRUST_PROXY: z
    .string()
    .optional()
    .describe(
      'Proxies before the admin whose `X-Forwarded-For` is believed: addresses or networks, separated by commas, or `true`.',
    ),
  SESSION_IDLE: duration('1h').describe('A session in the admin ends after so long without a request.'),
  SESSION_MOST: duration('12h').describe('And after so long in any case.'),
  ...oidcVariables,
  DEMO_PORT: port(3200).describe('Port of the inbox that the demo tenant posts to.'),
  SPILLWAY_QUEUES: z
    .string()
    .optional()
    .describe('JSON that overrides the queue catalogue: `{"notifications":{"concurrency":10}}`.'),
  SPILLWAY_LANES: flag(true).describe(
    'Tenants share the queues by weight, with caps and ordering keys; off, they are first come, first served.',
  ),
  ON_THE_SPOT: flag(true).describe(
    'A worker does what its job leads to right away, where its process serves that queue too and nobody is overtaken; off, every job goes through its queue.',
  ),
  DEAD_LETTER_RETENTION: duration('30d').describe('How long dead letters are kept.'),
  QUARANTINE_RETENTION: duration('14d').describe('How long quarantined requests are kept.'),
  EVENT_RETENTION: duration('90d').describe('How long events and their ledger are kept.'),
  AUDIT_RETENTION: duration('400d').describe('How long entries of the audit log are kept.'),
  RECONCILE_EVERY: duration('30s').describe(
    'How often the reconciler looks for work that a crash left between two steps.',
  ),
  RECONCILE_AFTER: duration('5m').describe('How long a job may be missing before the reconciler makes it again.'),
  START_TIMEOUT: duration('30s').describe('How long a starting process waits for PostgreSQL.'),
  DRAIN_TIMEOUT: duration('30s').describe('How long a stopping process waits for running jobs.'),
  WORKER_CONCURRENCY_SCALE: z.coerce
    .number()
    .positive()
    .default(1)
    .describe('Multiplies the concurrency of every queue.'),
  LOCK_DURATION: duration('30s').describe('How long a worker may be silent before its job is given to another.'),
  STALLED_INTERVAL: duration('15s').describe('How often workers look for jobs whose worker died.'),
  EGRESS: z
    .enum(['strict', 'off'])
    .default('strict')
    .describe(
      'Where calls of tenants may go. `strict`: the public internet and `EGRESS_ALLOW`; an installation on one machine (embedded PostgreSQL, `HOST` and `PUBLIC_URL` local, not production) may call itself. `off`: anywhere.',
    ),
  EGRESS_ALLOW: commaList
    .prefault('')
    .describe('What may be called all the same: `10.0.0.0/8,host.example:8443,*.svc.example`.'),
  DEMO: flag(true).describe(
    'Create the demo tenant on a first start with the embedded PostgreSQL. Never in production.',
  ),
  ...telemetryVariables,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LOG_PRETTY: flag(false).describe('Lines for people instead of JSON.'),
});

export type Variables = z.infer<typeof variablesSchema>;
export type { Role };
