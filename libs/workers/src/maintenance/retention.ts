import { QUEUE_NAMES } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';

const BATCH = 1_000;
const DAY_MS = 86_400_000;
/** An effect may be asked for again as long as its dead letter can be redriven. */
const EFFECTS_BEYOND_DEAD_LETTERS_MS = DAY_MS;

/** Drops what has outlived its time, in batches that hold no lock for long. */
export async function forgetOld(platform: Platform): Promise<void> {
  const { retention } = platform.config;
  const before = (ms: number) => new Date(Date.now() - ms);
  for (const queue of QUEUE_NAMES) {
    await untilDone(() => platform.deadLetters.forgetBefore(queue, Date.now() - retention.deadLettersMs, BATCH));
  }
  await platform.quarantine.forgetBefore(before(retention.quarantineMs));
  await untilDone(() => platform.events.forgetBefore(before(retention.eventsMs), BATCH));
  const effects = Math.max(retention.deadLettersMs, retention.eventsMs) + EFFECTS_BEYOND_DEAD_LETTERS_MS;
  await untilDone(() => platform.effects.forgetBefore(before(effects), BATCH));
  await untilDone(() => platform.outbox.forgetBefore(before(2 * DAY_MS), BATCH));
  await untilDone(() => platform.usedTokens.forgetBefore(before(2 * DAY_MS), BATCH));
  await untilDone(() => platform.listening.forgetBefore(before(retention.eventsMs), BATCH));
  await untilDone(() => platform.starts.forgetBefore(before(retention.eventsMs), BATCH));
  await platform.queues.backend.sweep();
}

async function untilDone(forget: () => Promise<number>): Promise<void> {
  while ((await forget()) === BATCH);
}
