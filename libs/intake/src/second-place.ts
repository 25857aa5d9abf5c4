import { type IngressJob, inTime } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';

/** A request does not wait longer for PostgreSQL: the queue alone is what it had before. */
const LATE_MS = 2_000;
/** So long nobody waits for it again. */
const AWAY_MS = 1_000;

/**
 * The second of the two places of an accepted event (docs/adr/0010-accepted-in-two-places.md): PostgreSQL, before its queue,
 * until the ledger has it. While PostgreSQL is away the queue alone takes events.
 */
export class SecondPlace {
  private readonly isOn: boolean;
  private awayUntil = 0;

  constructor(private readonly platform: Pick<Platform, 'kept' | 'config' | 'log'>) {
    this.isOn = platform.config.ingress.acceptInto === 'both';
  }

  /** @returns the id of the event that stands for it; undefined when it is not kept here */
  async keep(job: IngressJob, dedupeId: string, source: string, windowMs: number): Promise<string | undefined> {
    if (!this.isOn || Date.now() < this.awayUntil) return undefined;
    try {
      return await inTime(this.platform.kept.keep(job, dedupeId, source, windowMs), LATE_MS);
    } catch (error) {
      this.awayUntil = Date.now() + AWAY_MS;
      this.platform.log.warn({ err: error }, 'PostgreSQL is away: the queue alone takes events');
      return undefined;
    }
  }

  /** The queue knew the same event, so that its sender hears of that one. */
  drop(eventId: string): void {
    this.platform.kept
      .drop(eventId)
      .catch((error: unknown) => this.platform.log.debug({ err: error, event: eventId }, 'a duplicate stays kept'));
  }
}
