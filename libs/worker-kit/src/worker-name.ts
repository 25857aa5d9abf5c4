import { hostname } from 'node:os';

/** How the ledger calls this process. */
export const WORKER_NAME = `${hostname()}:${process.pid}`;
