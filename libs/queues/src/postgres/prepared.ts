import type { createPostgresBackend } from 'bullmq';

/** What BullMQ's workers ask each time they run out of jobs: the answers are single values, whatever BullMQ's tables become. */
const OFTEN = ['has_waiting_job', 'next_delay', 'next_signal'];

/** How BullMQ's backend asks PostgreSQL. */
interface Asking {
  run(command: string, values: unknown[]): Promise<unknown>;
  query(about: string | { name: string; text: string }, values: unknown[]): Promise<unknown>;
}

/** BullMQ's backend for PostgreSQL, but that what is asked often is planned once a connection: planning takes longer than answering. */
export function prepared(create: typeof createPostgresBackend): typeof createPostgresBackend {
  return (name, options, how) => {
    const backend = create(name, options, how);
    const asking = backend as unknown as Asking;
    const [run, query] = [asking.run.bind(asking), asking.query.bind(asking)];
    let command: string | undefined;
    // It calls `query` with the command's text before it returns.
    asking.run = (given, values) => {
      command = OFTEN.includes(given) ? given : undefined;
      try {
        return run(given, values);
      } finally {
        command = undefined;
      }
    };
    asking.query = (about, values) =>
      query(command && typeof about === 'string' ? { name: `bullmq-${command}`, text: about } : about, values);
    return backend;
  };
}
