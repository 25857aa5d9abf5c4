import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '@spillway/persistence';

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
    const server = await EmbeddedPostgres.start({ directory: join(directory, 'data'), settings });
    return new TestPostgres(server, directory, server.url(), settings);
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
