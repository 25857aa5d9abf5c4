import type { KeptEvent } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import { unsure } from '../unsure';
import { duplicateFact, optionsOf } from './relay';

const PAGE = 500;
/** Looked for in one pass; the rest has its turn the next time. */
const MOST = 2_000;
const FORGET_AFTER_MS = 600_000;
const MOST_FORGOTTEN = 5_000;

/**
 * Watches over accepted events that PostgreSQL keeps until the ledger has them, and adds again what no queue has any more:
 * what a primary took, and lost when another took over (docs/adr/0010-accepted-in-two-places.md).
 */
export class KeptWatch {
  private after = '';
  /** Since when each was in no queue, Unix milliseconds. */
  private readonly missing = new Map<string, number>();

  constructor(
    private readonly platform: Pick<
      Platform,
      'kept' | 'outbox' | 'queues' | 'deadLetters' | 'facts' | 'directory' | 'log'
    >,
  ) {}

  /**
   * @param olderThanMs younger ones are taken to be on their way
   * @returns how many were added again
   */
  async pass(olderThanMs: number): Promise<number> {
    const { kept, log } = this.platform;
    while ((await kept.forgetConfirmed(MOST_FORGOTTEN)) === MOST_FORGOTTEN);
    const lost: KeptEvent[] = [];
    for (let looked = 0; looked < MOST; looked += PAGE) {
      const now = Date.now();
      const page = await kept.unconfirmed(new Date(now - olderThanMs), this.after, PAGE);
      const found = await Promise.all(page.map((one) => this.isUnderWay(one, now - olderThanMs)));
      for (const [index, one] of page.entries()) {
        if (found[index]) {
          this.missing.delete(one.eventId);
          continue;
        }
        const since = this.missing.get(one.eventId) ?? now;
        this.missing.set(one.eventId, since);
        if (now - since >= olderThanMs) lost.push(one);
      }
      this.after = page.length < PAGE ? '' : page.at(-1)!.id;
      if (page.length < PAGE) break;
    }
    this.forgetOld();
    if (lost.length === 0) return 0;
    const told = await this.toldUntil();
    const certain = lost.filter(({ eventId }) => this.missing.get(eventId)! < told);
    for (const one of certain) {
      await this.addAgain(one);
      this.missing.delete(one.eventId);
    }
    if (certain.length > 0) log.warn({ events: certain.length }, 'accepted events that no queue had were added again');
    return certain.length;
  }

  /** Whether a queue has it, or finished it so lately that the ledger may not have heard. */
  private async isUnderWay({ eventId, tenant }: KeptEvent, before: number): Promise<boolean> {
    const { queues, deadLetters } = this.platform;
    const job = await queues.find('ingress-events', eventId, tenant);
    if (job) return !job.finishedOn || job.finishedOn > before;
    return (await deadLetters.find('ingress-events', eventId, tenant)) !== undefined;
  }

  /** What was told before this moment is in the ledger. */
  private async toldUntil(): Promise<number> {
    const { queues } = this.platform;
    const waiting = await Promise.all(
      queues.queuesOf('analytics-events').map(async (queue) => {
        const jobs = await queue.getJobs(['active', 'delayed'], 0, PAGE - 1);
        const oldest = await queues.backend.oldestWaiting(queue);
        return Math.min(oldest ?? Infinity, ...jobs.map((job) => job.timestamp));
      }),
    );
    return Math.min(...waiting);
  }

  /** The ledger has had word of them meanwhile. */
  private forgetOld(): void {
    const before = Date.now() - FORGET_AFTER_MS;
    for (const [id, since] of this.missing) if (since < before) this.missing.delete(id);
  }

  private async addAgain({ eventId, tenant }: KeptEvent): Promise<void> {
    const { queues, kept, facts, outbox } = this.platform;
    const entry = await outbox.find(eventId);
    if (!entry) return;
    const finished = await queues.find('ingress-events', eventId, tenant);
    // A finished job of its id would be taken for the one that is added.
    if (finished?.finishedOn) await finished.remove();
    // Who had it may have begun.
    const job = unsure(entry.job);
    const options = optionsOf(entry, this.platform);
    const standing = await queues.add('ingress-events', job, options);
    if (standing !== eventId) {
      await kept.standsFor(eventId, standing);
      await facts.record([duplicateFact(job, standing)]);
      return;
    }
    // Its deduplication may have outlived it.
    const { deduplication: _, ...plain } = options;
    if (!(await queues.find('ingress-events', eventId, tenant))) await queues.add('ingress-events', job, plain);
  }
}
