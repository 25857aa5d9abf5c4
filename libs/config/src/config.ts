import { resolve } from 'node:path';
import { PermanentError } from '@spillway/contracts';
import { z } from 'zod';
import { egressSettings } from './egress';
import { withSecretFiles } from './secret-files';
import { oidcOf } from './oidc';
import { telemetryOf } from './telemetry';
import { keyBytes, type Variables, variablesSchema } from './variables';

/** Everything a process is told from outside, validated once, at its start. */
export type Config = ReturnType<typeof toConfig>;

/**
 * Reads the environment, and the files its `*_FILE` variables name.
 *
 * @throws PermanentError `config-invalid`, naming each variable that is wrong and what it must be.
 * @example const config = loadConfig({ ...process.env, INGRESS_PORT: '0' });
 */
export function loadConfig(environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(withSecretFiles(environment)).filter(([, value]) => value !== ''));
  const parsed = variablesSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new PermanentError(`configuration: ${problems.join('; ')}`, {
      code: 'config-invalid',
      remedy: 'See docs/configuration.md for each variable.',
    });
  }
  return toConfig(parsed.data);
}

const overridesSchema = z.record(
  z.string(),
  z.strictObject({
    attempts: z.number().int().min(1).optional(),
    backoffMs: z.number().int().min(0).optional(),
    maxBackoffMs: z.number().int().min(0).optional(),
    timeoutMs: z.number().int().min(1).optional(),
    concurrency: z.number().int().min(1).optional(),
  }),
);

export type QueueOverrides = z.infer<typeof overridesSchema>;

/** Where Prometheus looks for OpenTelemetry's metrics. */
const HEALTH_PORT = 9_464;

function toConfig(variables: Variables) {
  const directory = resolve(variables.SPILLWAY_DIR);
  return {
    production: variables.NODE_ENV === 'production',
    directory,
    roles: variables.SPILLWAY_ROLES,
    demo: variables.DEMO && variables.NODE_ENV !== 'production' && !variables.DATABASE_URL,
    database: {
      url: variables.DATABASE_URL,
      pool: variables.DATABASE_POOL,
      rowSecurity: variables.ROW_SECURITY === 'on',
    },
    queues: {
      pool: variables.QUEUES_POOL,
      redisUrl: variables.REDIS_URL,
      redisNatMap: variables.REDIS_NAT_MAP,
      waitReplicas: variables.REDIS_WAIT_REPLICAS,
      waitTimeoutMs: variables.REDIS_WAIT_TIMEOUT,
      prefix: variables.QUEUE_PREFIX,
      partitions: variables.SPILLWAY_PARTITIONS,
      served: servedPartitions(variables),
      overrides: parseOverrides(variables.SPILLWAY_QUEUES),
      lanes: variables.SPILLWAY_LANES,
      onTheSpot: variables.ON_THE_SPOT,
      concurrencyScale: variables.WORKER_CONCURRENCY_SCALE,
      addTimeoutMs: variables.QUEUE_ADD_TIMEOUT,
      lockDurationMs: variables.LOCK_DURATION,
      stalledIntervalMs: variables.STALLED_INTERVAL,
      drainTimeoutMs: variables.DRAIN_TIMEOUT,
    },
    ingress: {
      host: variables.HOST,
      port: variables.INGRESS_PORT,
      publicUrl: variables.PUBLIC_URL?.replace(/\/$/, ''),
      maxBodyBytes: variables.MAX_BODY,
      maxInFlight: variables.MAX_IN_FLIGHT,
      acceptInto: variables.ACCEPT_INTO ?? (hasReplicas(variables) ? 'both' : 'queues'),
      maxOutbox: variables.MAX_OUTBOX,
      maxQuarantine: variables.MAX_QUARANTINE,
    },
    admin: {
      host: variables.HOST,
      port: variables.ADMIN_PORT,
      password: variables.ADMIN_PASSWORD,
      apiKey: variables.ADMIN_API_KEY,
      publicUrl: variables.ADMIN_PUBLIC_URL?.replace(/\/$/, ''),
      trustProxy: trusted(variables.TRUST_PROXY),
      session: { idleMs: variables.SESSION_IDLE, mostMs: variables.SESSION_MOST },
      oidc: oidcOf(variables),
    },
    startTimeoutMs: variables.START_TIMEOUT,
    demoPort: variables.DEMO_PORT,
    key: variables.SPILLWAY_KEY ? keyBytes(variables.SPILLWAY_KEY) : undefined,
    retention: {
      deadLettersMs: variables.DEAD_LETTER_RETENTION,
      quarantineMs: variables.QUARANTINE_RETENTION,
      eventsMs: variables.EVENT_RETENTION,
      auditMs: variables.AUDIT_RETENTION,
    },
    protection: {
      otherKeys: variables.SPILLWAY_OTHER_KEYS.map(keyBytes),
      encrypt: (variables.ENCRYPTION ?? (variables.SPILLWAY_KEY ? 'on' : 'off')) === 'on',
      signJobs: (variables.JOB_SIGNING ?? (variables.NODE_ENV === 'production' ? 'on' : 'off')) === 'on',
    },
    egress: egressSettings(variables),
    reconcile: { everyMs: variables.RECONCILE_EVERY, afterMs: variables.RECONCILE_AFTER },
    health: {
      host: variables.HOST,
      port: variables.HEALTH_PORT ?? HEALTH_PORT,
      // Several processes of one machine need not be told each its own.
      mayMove: variables.HEALTH_PORT === undefined,
    },
    telemetry: telemetryOf(variables),
    log: { level: variables.LOG_LEVEL, pretty: variables.LOG_PRETTY },
  };
}

/** Whether another server may take over that lacks what the one before had acknowledged. */
function hasReplicas({ REDIS_URL: url, REDIS_WAIT_REPLICAS: wait }: Variables): boolean {
  return url !== undefined && (wait > 0 || /^rediss?\+/.test(url));
}

/** The partitions whose jobs this process takes. */
function servedPartitions({ SPILLWAY_PARTITIONS: count, WORKER_PARTITIONS: told }: Variables): number[] {
  const served = told ?? Array.from({ length: count }, (_, index) => index);
  if (served.length > 0 && served.every((one) => one < count)) return served;
  throw new PermanentError(`configuration: WORKER_PARTITIONS must be from 0 to ${count - 1}`, {
    code: 'config-invalid',
    remedy: 'Partitions are counted from 0, up to SPILLWAY_PARTITIONS - 1.',
  });
}

/** Whose word on where a request comes from is taken: nobody's, everybody's, or that of these addresses. */
function trusted(text: string | undefined): boolean | string[] {
  if (!text || text === 'false') return false;
  return text === 'true' ? true : text.split(',').map((address) => address.trim());
}

function parseOverrides(text: string | undefined): QueueOverrides {
  if (!text) return {};
  try {
    return overridesSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new PermanentError('configuration: SPILLWAY_QUEUES is not the JSON it must be', {
      code: 'config-invalid',
      remedy: 'Give something like {"notifications":{"concurrency":10,"attempts":3}}.',
      cause,
    });
  }
}
