import { Client } from 'pg';

const FORMAT = `create or replace function test_clock.clock_timestamp() returns timestamptz language sql volatile
  as $clock$ select timestamptz '%' $clock$`;

/**
 * The clock of a PostgreSQL, held still: statements that ask `clock_timestamp()` get a time that only moves when the
 * test says so. What depends on time is so the same on a machine that stands still for a second.
 *
 * Names are looked up in `pg_catalog` first unless the search path has it further back: "Schemas", PostgreSQL's manual.
 */
export class PostgresClock {
  private constructor(
    private readonly url: string,
    private time: number,
  ) {}

  /** To be called before the tables are made and before others connect: their connections begin with it. */
  static async install(url: string): Promise<PostgresClock> {
    const clock = new PostgresClock(url, Date.now());
    await clock.query(
      'create schema test_clock; grant usage on schema test_clock to public',
      `do $$ begin execute format('alter database %I set search_path = public, test_clock, pg_catalog', current_database()); end $$`,
    );
    await clock.advance(0);
    return clock;
  }

  /** Unix milliseconds. */
  readonly now = (): number => this.time;

  async advance(ms: number): Promise<void> {
    this.time += ms;
    await this.query(FORMAT.replace('%', new Date(this.time).toISOString()));
  }

  private async query(...statements: string[]): Promise<void> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }
}
