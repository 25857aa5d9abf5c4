import { createHash } from 'node:crypto';

/** Names remembered with their hash; more are hashed again. */
const MOST_KNOWN = 10_000;

/**
 * Which partition a tenant's jobs are in (docs/adr/0007): the first four bytes of the SHA-256 of its name, modulo the
 * number of partitions. The same for ever, in every process and every release.
 */
export function partitionOf(tenant: string, count: number): number {
  return count === 1 ? 0 : createHash('sha256').update(tenant).digest().readUInt32BE(0) % count;
}

/**
 * What the queues of a partition have in common: on Redis the hash tag, so that a script may touch several of them; on
 * PostgreSQL the start of their names. A single partition is the installation itself.
 */
export function groupOf(prefix: string, partition: number, count: number): string {
  return count === 1 ? prefix : `${prefix}-${partition}`;
}

/** The partitions of an installation, and where each tenant's is. */
export class Partitions {
  /** From 0. */
  readonly all: readonly number[];
  private readonly known = new Map<string, number>();

  constructor(
    private readonly prefix: string,
    readonly count: number,
  ) {
    this.all = Array.from({ length: count }, (_, index) => index);
  }

  of(tenant: string): number {
    if (this.count === 1) return 0;
    const known = this.known.get(tenant);
    if (known !== undefined) return known;
    const partition = partitionOf(tenant, this.count);
    if (this.known.size < MOST_KNOWN) this.known.set(tenant, partition);
    return partition;
  }

  group(partition: number): string {
    return groupOf(this.prefix, partition, this.count);
  }

  groupOfTenant(tenant: string): string {
    return this.group(this.of(tenant));
  }
}

/** AWAY_MS after a partition did not answer, others are asked first. */
const AWAY_MS = 5_000;

/** Takes turns among partitions, for what may be in any of them; one that did not answer is passed over for a while. */
export class Turns {
  private next = 0;
  private readonly away = new Map<number, number>();

  constructor(private readonly partitions: Partitions) {}

  /** The partitions to try, best first; two are enough to get past one that is away. */
  order(now: number): number[] {
    const { all, count } = this.partitions;
    const start = this.next++ % count;
    const turned = [...all.slice(start), ...all.slice(0, start)];
    const isAway = (one: number) => now < (this.away.get(one) ?? 0);
    return [...turned.filter((one) => !isAway(one)), ...turned.filter(isAway)].slice(0, 2);
  }

  failed(partition: number, now: number): void {
    this.away.set(partition, now + AWAY_MS);
  }
}
