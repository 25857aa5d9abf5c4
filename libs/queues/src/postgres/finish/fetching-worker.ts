import type { Worker } from 'bullmq';
import type { FetchingBackend } from './finishing-backend';

/** Jobs fetched by one statement: other processes may have free places, too. */
const MOST_AT_ONCE = 16;

/** What BullMQ's worker keeps to itself. */
interface Inner {
  readonly concurrency: number;
  readonly backend: FetchingBackend;
  /** What its places do, and jobs that wait for one of them. */
  readonly mainLoopQueue?: { numTotal(): number; add(job: Promise<unknown>): void } | null;
  moveToActive(token: string, name?: string): Promise<unknown>;
  nextJobFromJobData(data: unknown, id: unknown, token: string): Promise<unknown>;
  updateDelays(rateLimit: number, due: number): void;
}

/**
 * A worker with free places fetches jobs for several of them in one statement, where BullMQ's makes one call after the other, and
 * a last one to see that there are no more. The others go where its loop puts those that it has fetched itself, so that
 * it closes and pauses as ever.
 */
export function fetchTogether(worker: Worker): void {
  const inner = worker as unknown as Inner;
  if (!inner.backend.fetchFor) return;

  inner.moveToActive = async (token) => {
    const loop = inner.mainLoopQueue;
    const free = loop ? inner.concurrency - loop.numTotal() : 1;
    const tokens = [token];
    while (tokens.length < Math.min(free, MOST_AT_ONCE)) tokens.push(`${token}+${tokens.length}`);
    const answers = await inner.backend.fetchFor!(tokens);

    let first: Promise<unknown> | undefined;
    let none: unknown[] | undefined;
    inner.updateDelays(0, 0);
    answers.forEach((answer, index) => {
      const [data, id] = answer ?? [];
      if (!data) none ??= answer;
      else {
        const job = inner.nextJobFromJobData(data, id, tokens[index]!);
        if (index === 0) first = job;
        else loop!.add(job);
      }
    });
    if (none) {
      const [, , rateLimit, due] = none as [unknown, unknown, number, number];
      inner.updateDelays(rateLimit, due);
      // The worker waits for news.
      await inner.nextJobFromJobData(null, '', token);
    }
    return first;
  };
}
