import { Places } from './places';
import { shares } from './shares';

/** Bytes of payloads that a worker holds at once before it takes no more jobs: some five times as much is memory. */
export const MOST_BYTES = 32 * 1_024 * 1_024;

export interface RoomOptions {
  /** Jobs at once, of all partitions. */
  concurrency: number;
  partitions: number;
  mostBytes?: number;
  /** Told how many jobs each partition may run, whenever that may have changed. */
  onChange(most: number[]): void;
}

/**
 * Room for the jobs of a queue in this process. Partitions share it. Small jobs run as many at once as the catalogue says, but
 * a hundred of a megabyte each would not fit into the memory of a small process: once their payloads fill it no more are taken.
 */
export class Room {
  /** Jobs that run, or were asked for and may come, of each partition. */
  private readonly busy: number[];
  private bytes = 0;
  /** For jobs that did not come through the queue. */
  private readonly beside = new Places((taken) => this.hasPlace && taken < this.mostBeside);
  private told: number[];

  constructor(private readonly options: RoomOptions) {
    this.busy = Array.from({ length: options.partitions }, () => 0);
    this.told = this.most;
  }

  /** How many jobs each partition may run. At least one: a worker cannot be told to run none. */
  get most(): number[] {
    const { busy } = this;
    if (this.isFull) return busy.map((own) => Math.max(1, own));
    return shares(Math.max(1, this.options.concurrency - this.beside.taken), busy);
  }

  /**
   * Runs a job of a partition.
   *
   * @param work is given what it calls once it knows how many bytes its payload has
   */
  async take<T>(partition: number, work: (hold: (bytes: number) => void) => Promise<T>): Promise<T> {
    let held = 0;
    this.change(partition, 1, 0);
    try {
      return await work((bytes) => {
        held += bytes;
        this.change(partition, 0, bytes);
      });
    } finally {
      this.change(partition, -1, -held);
      this.beside.look();
    }
  }

  /** Places are kept for jobs that a partition was asked for; below 0: for so many no more. */
  expect(partition: number, jobs: number): void {
    this.change(partition, jobs, 0);
    if (jobs < 0) this.beside.look();
  }

  /** Takes a place for a job that did not come through the queue. @param waitMs how long one is waited for */
  async enter(waitMs: number): Promise<boolean> {
    const got = await this.beside.take(waitMs);
    this.tell();
    return got;
  }

  leave(): void {
    this.beside.give();
    this.tell();
  }

  /** A worker runs one job of each partition at least. */
  private get mostBeside(): number {
    return this.options.concurrency - this.options.partitions;
  }

  private get hasPlace(): boolean {
    const running = this.busy.reduce((sum, own) => sum + own, this.beside.taken);
    return !this.isFull && running < this.options.concurrency;
  }

  private get isFull(): boolean {
    return this.bytes >= (this.options.mostBytes ?? MOST_BYTES);
  }

  private change(partition: number, jobs: number, bytes: number): void {
    this.busy[partition]! += jobs;
    this.bytes += bytes;
    this.tell();
  }

  private tell(): void {
    const { most } = this;
    if (most.every((one, at) => one === this.told[at])) return;
    this.told = most;
    this.options.onChange(most);
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
