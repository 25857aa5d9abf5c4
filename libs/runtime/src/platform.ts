import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Egress } from '@spillway/adapters';
import { type Config, traceVariables } from '@spillway/config';
import { PermanentError } from '@spillway/contracts';
import { createLog, Health, type Log, startTelemetry, type Telemetry } from '@spillway/observability';
import {
  AuditLog,
  Callbacks,
  type DataKeys,
  EffectStore,
  EmbeddedPostgres,
  EventRecords,
  KeptEvents,
  Ledger,
  Listening,
  migrate,
  openDatabase,
  Outbox,
  prepareTenantRole,
  Quarantine,
  QuotaStore,
  RetentionRecords,
  RunStore,
  Signals,
  Starts,
  TENANT_ROLE,
  Usage,
  UsedTokens,
  type Vault,
  type Database,
} from '@spillway/persistence';
import { DeadLetters, FactSink, openBackend, prepareBackend, Queues } from '@spillway/queues';
import { ApiKeys, QuotaGate, Resources, type Sealer } from '@spillway/tenancy';
import { CallbackLinks } from './callback-links';
import { Directory } from './directory';
import type { GaugeSource } from './installation-gauges';
import { sealingKey } from './local-key';
import { protectionOf } from './protection';

/** Everything a role works with, opened once per process and shared by the roles in it. */
export interface Platform {
  config: Config;
  log: Log;
  database: Database;
  signals: Signals;
  queues: Queues;
  deadLetters: DeadLetters;
  facts: FactSink;
  directory: Directory;
  resources: Resources;
  apiKeys: ApiKeys;
  sealer: Sealer;
  /** Keys of tenants. */
  keys: DataKeys;
  /** Seals payloads with them. */
  vault: Vault;
  egress: Egress;
  effects: EffectStore;
  ledger: Ledger;
  outbox: Outbox;
  kept: KeptEvents;
  runs: RunStore;
  listening: Listening;
  starts: Starts;
  callbacks: Callbacks;
  links: CallbackLinks;
  events: EventRecords;
  quarantine: Quarantine;
  usedTokens: UsedTokens;
  audit: AuditLog;
  usage: Usage;
  quotas: QuotaGate;
  quotaStore: QuotaStore;
  retention: RetentionRecords;
  telemetry: Telemetry;
  /** What the roles in this process say of themselves. */
  health: Health;
  /** Gauges of the installation beside the usual ones. */
  gaugeSources: GaugeSource[];
  /** Set while health and metrics can be asked for; see `startMonitor`. */
  monitor?: { port: number; close(): Promise<void> };
  close(): Promise<void>;
}

/**
 * Starts what has to be started (the embedded PostgreSQL), migrates, and connects.
 *
 * @throws SpillwayError with a remedy, for each thing that can be wrong with a configuration
 */
export async function openPlatform(config: Config, log: Log = createLog(config.log)): Promise<Platform> {
  // Before a key is made: without a database of its own, a read-only folder would be what is complained of.
  if (!config.database.url) await EmbeddedPostgres.mustBeInstalled();
  const telemetry = await startTelemetry(config.telemetry, config.roles);
  sealingKey(config);
  const egress = new Egress(config.egress);
  if (config.egress.mode === 'off') log.warn('EGRESS is off: tenants can call every address that this machine reaches');
  const embedded = config.database.url
    ? undefined
    : await EmbeddedPostgres.start({ directory: join(config.directory, 'postgres') });
  const url = config.database.url ?? embedded!.url();
  const { pool, rowSecurity } = config.database;
  const database = openDatabase(url, pool, rowSecurity ? TENANT_ROLE : undefined);
  if (!rowSecurity && config.roles.includes('admin')) {
    log.warn('ROW_SECURITY is off: whose rows a request of a tenant reaches is up to each query alone');
  }
  const giveUp = async (error: unknown): Promise<never> => {
    await database.close();
    await embedded?.stop();
    throw error;
  };
  // The others do nothing in its scope: an event is taken also where the role cannot be made.
  const needsRole = rowSecurity && config.roles.includes('admin');
  await whenReachable(config.startTimeoutMs, log, async () => {
    await migrate(database);
    if (needsRole) await prepareTenantRole(database.pool);
  }).catch(giveUp);
  const { sealer, keys, vault, signer } = protectionOf(config, database);
  const events = new EventRecords(database.db, vault);
  const tenantsOf = (ids: string[]) => events.tenantsOf(ids);
  const queues = await Queues.connect(config.queues, url, tenantsOf, { vault, signer }).catch(giveUp);
  const signals = new Signals(url);
  await signals.start();

  const apiKeys = new ApiKeys(database.db, database.pool);
  signals.on((signal) => signal.kind === 'keys-changed' && apiKeys.forget());
  const resources = new Resources(database.db, database.pool, sealer, apiKeys);
  const directory = new Directory(resources, signals, log);
  await directory.start();
  signals.on((signal) => signal.kind === 'tenant-keys-changed' && keys.forget(signal.tenant));
  signals.onReconnect(() => keys.forgetAll());
  // Before they are needed, so that events are taken while PostgreSQL is away.
  const warm = () => Promise.resolve(vault.ready([...directory.all()].map(({ name }) => name)));
  directory.onChange(() => void warm().catch((err: unknown) => log.warn({ err }, 'keys of tenants cannot be read')));
  await warm();
  queues.lanes.use((tenant) => directory.tenant(tenant)?.share);
  const quotaStore = new QuotaStore(database.pool);
  const quotas = new QuotaGate({
    store: quotaStore,
    log,
    waitingJobs: (tenant, most) => queues.lanes.waiting(tenant, most),
  });

  const platform: Platform = {
    config,
    log,
    database,
    signals,
    queues,
    deadLetters: new DeadLetters(queues),
    facts: new FactSink(queues),
    directory,
    resources,
    apiKeys,
    sealer,
    keys,
    vault,
    egress,
    effects: new EffectStore(database.pool, vault),
    ledger: new Ledger(database.pool, vault),
    outbox: new Outbox(database.pool, vault),
    kept: new KeptEvents(database.pool, vault),
    runs: new RunStore(database.pool, vault),
    listening: new Listening(database.pool, vault),
    starts: new Starts(database.pool, vault),
    callbacks: new Callbacks(database.pool, vault),
    links: new CallbackLinks(sealer, config.ingress.publicUrl ?? `http://localhost:${config.ingress.port}`),
    events,
    quarantine: new Quarantine(database.db, vault),
    usedTokens: new UsedTokens(database.pool),
    audit: new AuditLog(database.pool, {
      sign: (text) => sealer.sign('audit', text),
      verify: (text, mac) => sealer.verify('audit', text, mac),
    }),
    usage: new Usage(database.db),
    quotas,
    quotaStore,
    retention: new RetentionRecords(database.pool, vault),
    telemetry,
    health: new Health(),
    gaugeSources: [],
    async close() {
      await platform.monitor?.close();
      directory.close();
      await egress.close();
      await quotas.close();
      await signals.close();
      await platform.facts.close().catch((err: unknown) => log.warn({ err }, 'what was planned could not be told'));
      await queues.close();
      await database.close();
      await embedded?.stop();
      await telemetry.close();
    },
  };
  return platform;
}

/**
 * Brings the records, and the queues where they are on PostgreSQL, to the newest schema, and ends: what a deployment runs
 * once before its processes start. Each of them would do it too; so it is done before any of them takes a request.
 *
 * @returns the names of the migrations it made
 */
export async function migratePlatform(config: Config, log: Log): Promise<string[]> {
  if (!config.database.url) {
    throw new PermanentError('DATABASE_URL is not set: there is nothing to migrate', {
      code: 'database-missing',
      remedy: 'Set DATABASE_URL. The embedded PostgreSQL is migrated by `spillway start`.',
    });
  }
  const database = openDatabase(config.database.url, 2);
  try {
    let made: string[] = [];
    await whenReachable(config.startTimeoutMs, log, async () => {
      made = await migrate(database);
      if (config.database.rowSecurity) await prepareTenantRole(database.pool);
    });
    // Redis needs no schema, and may come up later.
    if (!config.queues.redisUrl) {
      const backend = openBackend({ databaseUrl: config.database.url, prefix: config.queues.prefix });
      await prepareBackend(backend);
      await backend.close();
    }
    return made;
  } finally {
    await database.close();
  }
}

const RETRY_MS = 500;

/** Processes are started in any order: the database may come up after us. */
async function whenReachable(mostMs: number, log: Log, work: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + mostMs;
  for (let told = false; ; told = true) {
    try {
      await work();
      return;
    } catch (error) {
      if (error instanceof PermanentError || Date.now() + RETRY_MS > until) throw error;
      if (!told) log.warn({ err: error }, 'the database is not there yet: waiting for it');
      await wait(RETRY_MS);
    }
  }
}

/** What a process forked from this one needs to reach the same platform. */
export function forkEnvironment(platform: Platform): Record<string, string> {
  const { redisUrl, redisNatMap, waitReplicas, prefix, partitions } = platform.config.queues;
  return {
    DATABASE_URL: platform.database.url,
    SPILLWAY_KEY: sealingKey(platform.config).toString('hex'),
    ...(redisUrl && { REDIS_URL: redisUrl }),
    ...(redisNatMap && { REDIS_NAT_MAP: redisNatMap }),
    REDIS_WAIT_REPLICAS: String(waitReplicas),
    ACCEPT_INTO: platform.config.ingress.acceptInto,
    QUEUE_PREFIX: prefix,
    SPILLWAY_PARTITIONS: String(partitions),
    ...traceVariables(platform.config.telemetry),
    EGRESS_ALLOW: platform.config.egress.allow.join(','),
    ENCRYPTION: platform.config.protection.encrypt ? 'on' : 'off',
    JOB_SIGNING: platform.config.protection.signJobs ? 'on' : 'off',
    SPILLWAY_OTHER_KEYS: platform.config.protection.otherKeys.map((key) => key.toString('hex')).join(','),
  };
}
