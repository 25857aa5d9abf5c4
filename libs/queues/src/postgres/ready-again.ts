import { createPostgresBackend } from 'bullmq';

/** What BullMQ's classes are ready by, once. */
interface Memo {
  readyPromise?: Promise<void>;
  waitUntilReady(): Promise<void>;
}

/**
 * BullMQ's backend for PostgreSQL, but that it forgets a first attempt that failed: it would go on failing for ever in what was
 * opened while PostgreSQL was away, however long it has been back.
 */
export const readyAgain: typeof createPostgresBackend = (name, options, how) => {
  const backend = createPostgresBackend(name, options, how);
  const { connection } = backend as unknown as { connection: Memo };
  for (const memo of [connection, backend as unknown as Memo]) {
    const ready = memo.waitUntilReady.bind(memo);
    memo.waitUntilReady = () =>
      ready().catch((error: unknown) => {
        memo.readyPromise = undefined;
        throw error;
      });
  }
  return backend;
};
