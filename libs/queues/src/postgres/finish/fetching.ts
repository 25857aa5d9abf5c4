import type { Job, Worker } from 'bullmq';
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

/** What `moveToActive` of a backend answers. */
type Next = [data: object | null, id: string, rateLimit: number, due: number];

/**
 * A worker with free places fetches jobs for several of them in one statement, where BullMQ's makes one call after the other, and
 * a last one to see that there are no more. The others go where its loop puts those that it has fetched itself, so that
 * it closes and pauses as ever.
 */
export class Fetching {
  private readonly inner: Inner;
  /** Fetched, and not begun. */
  private readonly held = new Set<string>();

  /** @param expect see `WorkerSettings` */
  constructor(
    worker: Worker,
    private readonly expect: (jobs: number) => void = () => undefined,
  ) {
    this.inner = worker as unknown as Inner;
    if (!this.inner.backend.fetchFor) return;
    this.inner.moveToActive = (token) => this.fetch(token);
    // One that fails before it begins.
    worker.on('failed', (job) => job && this.begins(job));
  }

  begins({ id }: Pick<Job, 'id'>): void {
    if (this.held.delete(id!)) this.expect(-1);
  }

  /** @returns the job for the place that asks; those for others are with the worker then */
  private async fetch(token: string): Promise<unknown> {
    const { inner } = this;
    const loop = inner.mainLoopQueue;
    const free = loop ? inner.concurrency - loop.numTotal() : 1;
    const tokens = [token];
    while (tokens.length < Math.min(free, MOST_AT_ONCE)) tokens.push(`${token}+${tokens.length}`);
    const answers = await this.ask(tokens);

    let first: Promise<unknown> | undefined;
    inner.updateDelays(0, 0);
    for (const [index, answer] of answers.entries()) {
      if (!answer?.[0]) continue;
      const job = inner.nextJobFromJobData(answer[0], answer[1], tokens[index]!);
      if (index === 0) first = job;
      else loop!.add(job);
    }
    const none = answers.find((answer) => answer && !answer[0]);
    if (none) {
      inner.updateDelays(none[2], none[3]);
      // The worker waits for news.
      await inner.nextJobFromJobData(null, '', token);
    }
    return first;
  }

  private async ask(tokens: string[]): Promise<(Next | undefined)[]> {
    this.expect(tokens.length);
    let came = 0;
    try {
      const answers = (await this.inner.backend.fetchFor!(tokens)) as (Next | undefined)[];
      for (const answer of answers) {
        // One that its worker lost may come again before it begins.
        if (!answer?.[0] || this.held.has(answer[1])) continue;
        this.held.add(answer[1]);
        came += 1;
      }
      return answers;
    } finally {
      this.expect(came - tokens.length);
    }
  }
}
