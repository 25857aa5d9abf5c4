import { Command } from 'commander';

export const migrateCommand = new Command('migrate')
  .description('Brings the database to the newest schema and ends: run it once before a new version starts')
  .action(async () => {
    const { loadConfig } = await import('@spillway/config');
    const { createLog } = await import('@spillway/observability');
    const { migratePlatform } = await import('@spillway/runtime');
    const config = loadConfig();
    const made = await migratePlatform(config, createLog(config.log));
    process.stdout.write(made.length > 0 ? `migrated: ${made.join(', ')}\n` : 'the schema is up to date\n');
  });
