import { Client } from 'pg';

/** A word from one process to all others, over PostgreSQL's NOTIFY. Lost while PostgreSQL is away: never rely on it alone. */
export type Signal =
  | { kind: 'resources-changed'; tenant: string }
  | { kind: 'cancel-job'; queue: string; jobId: string }
  | { kind: 'keys-changed' }
  | { kind: 'tenant-keys-changed'; tenant: string }
  /** Events with ordering keys wait in the outbox: later ones of the same key go there, too. */
  | { kind: 'outbox-ordered' };

const CHANNEL = 'spillway_signals';
const RECONNECT_MS = 1_000;

/** Listens on a connection of its own and comes back by itself when it breaks. */
export class Signals {
  private readonly listeners = new Set<(signal: Signal) => void>();
  private readonly reconnected = new Set<() => void>();
  private client?: Client;
  private closed = false;
  private retry?: NodeJS.Timeout;

  constructor(private readonly url: string) {}

  async start(): Promise<void> {
    await this.connect().catch(() => this.reconnectLater());
  }

  on(listener: (signal: Signal) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called after a break: signals may have been missed. */
  onReconnect(listener: () => void): void {
    this.reconnected.add(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({ connectionString: this.url, keepAlive: true });
    client.on('notification', ({ payload }) => this.hear(payload));
    client.on('error', () => undefined);
    client.on('end', () => this.client === client && this.reconnectLater());
    await client.connect();
    this.client = client;
    await client.query(`listen ${CHANNEL}`);
  }

  private hear(payload: string | undefined): void {
    const signal = JSON.parse(payload ?? '{}') as Signal;
    for (const listener of this.listeners) listener(signal);
  }

  private reconnectLater(): void {
    if (this.closed) return;
    this.retry = setTimeout(() => {
      this.connect()
        .then(() => this.reconnected.forEach((listener) => listener()))
        .catch(() => this.reconnectLater());
    }, RECONNECT_MS);
  }
}

/** @param db anything that runs a query, so that a signal can go out with a transaction */
export async function sendSignal(db: { query(text: string, values: unknown[]): Promise<unknown> }, signal: Signal) {
  await db.query('select pg_notify($1, $2)', [CHANNEL, JSON.stringify(signal)]);
}
