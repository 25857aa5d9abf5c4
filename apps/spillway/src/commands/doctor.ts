import type { Config } from '@spillway/config';
import { messageOf, SpillwayError } from '@spillway/contracts';
import type { QueueLanes } from '@spillway/operations';
import { Command } from 'commander';
import { Client } from '../client';

interface Finding {
  ok: boolean;
  text: string;
}

const OLDEST_NODE = 24;

export const doctorCommand = new Command('doctor')
  .description('Checks Node, the configuration, PostgreSQL, Redis and the keys of this installation')
  .action(async () => {
    const findings: Finding[] = [];
    for await (const finding of examine()) {
      findings.push(finding);
      process.stdout.write(`${finding.ok ? 'ok   ' : 'WRONG'} ${finding.text}\n`);
    }
    if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
  });

async function* examine(): AsyncGenerator<Finding> {
  const major = Number(process.versions.node.split('.')[0]);
  yield {
    ok: major >= OLDEST_NODE,
    text: `Node ${process.versions.node}${major >= OLDEST_NODE ? '' : `: needs ${OLDEST_NODE}`}`,
  };
  let config: Config;
  try {
    const { loadConfig } = await import('@spillway/config');
    config = loadConfig();
    yield { ok: true, text: 'configuration is valid' };
  } catch (error) {
    const remedy = error instanceof SpillwayError ? ` ${error.remedy ?? ''}` : '';
    yield { ok: false, text: messageOf(error) + remedy };
    return;
  }
  if (config.database.url) {
    yield* postgres(config.database.url, config.database.rowSecurity);
    yield config.key
      ? { ok: true, text: 'SPILLWAY_KEY is set' }
      : { ok: false, text: 'SPILLWAY_KEY is not set: make one with `openssl rand -hex 32`' };
  } else {
    yield {
      ok: !config.production,
      text: config.production ? 'DATABASE_URL is not set in production' : `embedded PostgreSQL in ${config.directory}`,
    };
    // Where its user may make the role; without it, nothing starts.
    yield stateOf(config.database.rowSecurity);
  }
  if (config.queues.redisUrl) yield* redis(config.queues);
  else yield { ok: true, text: 'queues on PostgreSQL (REDIS_URL is not set)' };
  yield await api();
  yield* lanes();
}

async function* postgres(url: string, rowSecurity: boolean): AsyncGenerator<Finding> {
  const { openDatabase, tenantRoleProblem } = await import('@spillway/persistence');
  const database = openDatabase(url, 2);
  try {
    const { rows } = await database.pool.query<{ version: string }>(
      `select current_setting('server_version') as version`,
    );
    const version = rows[0]!.version;
    const ok = Number.parseInt(version, 10) >= 14;
    yield { ok, text: `PostgreSQL ${version}${ok ? '' : ': needs 14'}` };
    const problem = rowSecurity ? await tenantRoleProblem(database.pool) : undefined;
    yield problem ? { ok: false, text: `row-level security: ${problem}` } : stateOf(rowSecurity);
  } catch (error) {
    yield { ok: false, text: `PostgreSQL does not answer: ${messageOf(error)}. Check DATABASE_URL` };
  } finally {
    await database.close();
  }
}

function stateOf(rowSecurity: boolean): Finding {
  const what = 'requests of tenants reach their own rows only';
  // Off is a choice.
  return {
    ok: true,
    text: rowSecurity ? `row-level security is on: ${what}` : 'row-level security is off (ROW_SECURITY)',
  };
}

async function* redis(config: Config['queues']): AsyncGenerator<Finding> {
  const { openBackend } = await import('@spillway/queues');
  const backend = openBackend({ ...config, databaseUrl: '' });
  try {
    const warnings = await backend.warnings();
    yield { ok: true, text: 'Redis answers' };
    for (const warning of warnings) yield { ok: false, text: warning };
  } catch (error) {
    yield { ok: false, text: `${messageOf(error)}. Check REDIS_URL` };
  } finally {
    await backend.close();
  }
}

async function* lanes(): AsyncGenerator<Finding> {
  let queues: QueueLanes[];
  try {
    ({ queues } = await Client.fromEnvironment().get<{ queues: QueueLanes[] }>('/lanes', { limit: '500' }));
  } catch {
    return; // What is wrong with the API was said.
  }
  const parked = queues.flatMap(({ queue, keys }) =>
    keys.filter((key) => key.parked).map((key) => ({ queue, ...key })),
  );
  const spilled = queues.reduce((sum, one) => sum + (one.spilled ?? 0), 0);
  yield { ok: true, text: `${spilled} jobs wait in lanes` };
  for (const { queue, lane, key, behind } of parked) {
    yield {
      ok: false,
      text: `${queue}: ordering key ${key} of ${lane} is parked, ${behind} jobs behind: spillway lanes list`,
    };
  }
}

async function api(): Promise<Finding> {
  try {
    const client = Client.fromEnvironment();
    await client.get('/queues');
    return { ok: true, text: `the operations API at ${client.url} takes the key` };
  } catch (error) {
    const remedy = error instanceof SpillwayError ? ` ${error.remedy ?? ''}` : '';
    return { ok: false, text: `operations API: ${messageOf(error)}.${remedy}` };
  }
}
