/** Bytes of payloads that a worker holds at once before it takes no more jobs: some five times as much is memory. */
export const MOST_BYTES = 32 * 1_024 * 1_024;

/**
 * What a worker carries: small jobs run as many at once as the catalogue says, but a hundred of a megabyte each would not fit
 * into the memory of a small process.
 */
export class Burden {
  private bytes = 0;

  /** @param changed told when it has become full, is full, or is full no more */
  constructor(
    private readonly changed: () => void,
    private readonly most = MOST_BYTES,
  ) {}

  /** Whether no further job should be taken. */
  get isFull(): boolean {
    return this.bytes >= this.most;
  }

  /** Does work over a payload of so many bytes. */
  async carry<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.add(bytes);
    try {
      return await work();
    } finally {
      this.add(-bytes);
    }
  }

  private add(bytes: number): void {
    const { isFull } = this;
    this.bytes += bytes;
    if (isFull || this.isFull) this.changed();
  }
}

/**
 * About how many bytes a job's payload has, as far as it is told without writing it again: sealed and signed data is one text,
 * and an event that was taken in says how large its body was. 0 for what is not known.
 */
export function payloadOf(stored: object, data: object): number {
  const { $sealed, $signed } = stored as { $sealed?: unknown; $signed?: unknown };
  if (typeof $sealed === 'string') return $sealed.length;
  if (typeof $signed === 'string') return $signed.length;
  return (data as { body?: { bytes?: number } }).body?.bytes ?? 0;
}
