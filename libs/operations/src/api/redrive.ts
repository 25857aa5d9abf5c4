import { type DeadLetter, QUEUE_NAMES, type QueueName } from '@spillway/contracts';
import { type DeadLetterFilter, type DeadLetterSummary, type NewFact, summarize } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';

export interface Redrive {
  queue?: QueueName;
  ids?: string[];
  filter: DeadLetterFilter;
  /** Jobs per second; all at once if left out. */
  ratePerSecond?: number;
  limit: number;
  dryRun: boolean;
}

export interface Redriven {
  matched: number;
  redriven: number;
  /** The first of them. */
  sample: DeadLetterSummary[];
  /** When the last of them starts, in milliseconds from now. */
  lastsMs: number;
}

const SAMPLE = 20;

/** Redrives what matches. The rate is kept by delays, so that it holds whoever works on the queue. */
export async function redriveMany(
  platform: Pick<Platform, 'deadLetters' | 'facts'>,
  order: Redrive,
): Promise<Redriven> {
  const letters = await collect(platform, order);
  const gapMs = order.ratePerSecond ? 1_000 / order.ratePerSecond : 0;
  const result: Redriven = {
    matched: letters.length,
    redriven: 0,
    sample: letters.slice(0, SAMPLE).map(summarize),
    lastsMs: Math.round(Math.max(0, letters.length - 1) * gapMs),
  };
  if (order.dryRun) return result;
  for (const [index, letter] of letters.entries()) {
    const queue = letter.queue as QueueName;
    await platform.facts.record(redrivenFacts(letter, queue));
    await platform.deadLetters.redrive(queue, letter.job.id, Math.round(index * gapMs));
    result.redriven += 1;
  }
  return result;
}

/** Before it iterates no further: redriving while paging would skip some. */
async function collect({ deadLetters }: Pick<Platform, 'deadLetters'>, order: Redrive): Promise<DeadLetter[]> {
  const wanted = order.ids && new Set(order.ids);
  const found: DeadLetter[] = [];
  for (const queue of order.queue ? [order.queue] : QUEUE_NAMES) {
    const left = order.limit - found.length;
    if (left <= 0) break;
    for await (const letter of deadLetters.matching(queue, order.filter, wanted ? Infinity : left)) {
      if (!wanted || wanted.has(letter.job.id)) found.push(letter);
    }
  }
  return found.slice(0, order.limit);
}

function redrivenFacts(letter: DeadLetter, queue: QueueName): NewFact[] {
  if (queue === 'analytics-events' || queue === 'ingress-events' || !letter.eventId) return [];
  return [{ kind: 'job.redriven', tenant: letter.tenant, eventId: letter.eventId, jobId: letter.job.id, queue }];
}
