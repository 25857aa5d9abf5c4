import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgres } from '@spillway/persistence';
import { freePort } from './ports';

/** What the tests of a whole run do without: they kill processes, not the machine. Benchmarks and chaos runs sync. */
const UNSYNCED = { fsync: 'off', full_page_writes: 'off' };

/** A real PostgreSQL of its own that can be stopped and started again. */
export class TestPostgres {
  private constructor(
    private server: EmbeddedPostgres,
    private readonly directory: string,
    readonly url: string,
    private readonly settings: Record<string, string>,
  ) {}

  /** @param settings of the server, by the names of postgresql.conf */
  static async start(settings: Record<string, string> = {}): Promise<TestPostgres> {
    const directory = mkdtempSync(join(tmpdir(), 'spillway-postgres-'));
    const template = process.env['SPILLWAY_TEST_POSTGRES'];
    if (template) await copyTemplate(template, join(directory, 'data'));
    const all = { ...(template && UNSYNCED), ...settings };
    const server = await EmbeddedPostgres.start({ directory: join(directory, 'data'), settings: all });
    return new TestPostgres(server, directory, server.url(), all);
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Starts it again, where it was. */
  async resume(): Promise<void> {
    this.server = await EmbeddedPostgres.start({ directory: join(this.directory, 'data'), settings: this.settings });
  }

  async close(): Promise<void> {
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A cluster that nobody has used, made once for a run of all tests: copying it takes a quarter of what making one does. */
async function copyTemplate(template: string, directory: string): Promise<void> {
  if (!existsSync(template)) await makeTemplate(template);
  // Node's own copy does not keep whose the files are.
  await promisify(execFile)('cp', ['-pR', template, directory]);
  const file = join(directory, 'settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...settings, port: await freePort() }));
}

async function makeTemplate(template: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-postgres-'));
  const made = join(directory, 'data');
  await (await EmbeddedPostgres.start({ directory: made })).stop();
  try {
    renameSync(made, template);
  } catch (error) {
    // Another process was first.
    if (!existsSync(template)) throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
