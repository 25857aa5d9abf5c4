import { inTime, type SpillwayEvent } from '@spillway/contracts';
import { sendSignal } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';

/** Not asked more often than this whether the outbox is empty again. */
const ASK_EVERY_MS = 1_000;
/** An event is not kept waiting longer for an answer. */
const LATE_MS = 500;

/**
 * Keeps the order of an ordering key over the outbox: while an older event of the key waits there, or a quota keeps it
 * aside, a later one may not go past it into the queue, whichever process takes it in. Costs nothing while the outbox holds
 * no such event.
 */
export class OutboxOrder {
  /** Whether events with ordering keys may be in the outbox. Not known at the start. */
  private inUse = true;
  /** How often it was said that one went in. */
  private told = 0;
  private askedAt = 0;
  private awayUntil = 0;

  constructor(private readonly platform: Pick<Platform, 'outbox' | 'signals' | 'database' | 'log'>) {
    platform.signals.on((signal) => signal.kind === 'outbox-ordered' && this.used());
    platform.signals.onReconnect(() => this.used());
  }

  /** An event went into the outbox. */
  async wentIn(event: SpillwayEvent): Promise<void> {
    if (event.orderingkey === undefined) return;
    this.used();
    // It is kept already; other processes that miss this look again when their connection comes back.
    await sendSignal(this.platform.database.pool, { kind: 'outbox-ordered' }).catch(() => undefined);
  }

  /**
   * The older events of the same key that wait. While PostgreSQL cannot say, there are none: taking events in goes first.
   *
   * @returns with a quota when one of them is kept aside for it
   */
  async ahead(event: SpillwayEvent): Promise<{ parkedFor?: string } | undefined> {
    if (!this.inUse || event.orderingkey === undefined || Date.now() < this.awayUntil) return undefined;
    try {
      return await inTime(this.ask(event, event.orderingkey), LATE_MS);
    } catch (error) {
      this.awayUntil = Date.now() + ASK_EVERY_MS;
      this.platform.log.debug({ err: error }, 'the outbox cannot be asked for older events');
      return undefined;
    }
  }

  private async ask(event: SpillwayEvent, key: string): Promise<{ parkedFor?: string } | undefined> {
    const { outbox } = this.platform;
    if (Date.now() - this.askedAt >= ASK_EVERY_MS) {
      this.askedAt = Date.now();
      const { told } = this;
      // Unless one went in meanwhile.
      if (!(await outbox.holdsOrdered()) && this.told === told) this.inUse = false;
      if (!this.inUse) return undefined;
    }
    return outbox.ahead(event.tenant, event.source, key);
  }

  private used(): void {
    this.inUse = true;
    this.told += 1;
  }
}
