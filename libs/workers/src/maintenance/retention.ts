import { setTimeout as wait } from 'node:timers/promises';
import { QUEUE_NAMES, type Retention } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { forgetFinished } from './finished-jobs';
import { dropRetiredKeys } from './retired-keys';

const BATCH = 1_000;
const DAY_MS = 86_400_000;
/** An effect may be asked for again as long as its dead letter can be redriven. */
const EFFECTS_BEYOND_DEAD_LETTERS_MS = DAY_MS;
/** What is forgotten by time alone has gone by then, effects being the last. */
const KEYS_BEYOND_RECORDS_MS = EFFECTS_BEYOND_DEAD_LETTERS_MS + DAY_MS;
/** Between two batches: the database has other work. */
const PAUSE_MS = 20;

/** Where the last pass over the payloads of a tenant came to; all are looked at anew each day, for those that moved then. */
const reached = new WeakMap<Platform, { since: number; tenants: Map<string, Date> }>();

/** Drops what has outlived its time, tenant by tenant, in batches that hold no lock for long. */
export async function forgetOld(platform: Platform): Promise<void> {
  const { retention: times } = platform.config;
  const before = (ms: number) => new Date(Date.now() - ms);
  const rules = new Map([...platform.directory.all()].map(({ name, retention }) => [name, retention]));
  const deadLettersMs = await forgetDeadLetters(platform, rules);
  for (const tenant of new Set([...(await platform.retention.tenants()), ...rules.keys()])) {
    const own = rules.get(tenant) ?? {};
    const { retention } = platform;
    await untilDone(() => retention.forgetQuarantine(tenant, before(own.quarantine ?? times.quarantineMs), BATCH));
    await untilDone(() => retention.forgetEvents(tenant, before(own.events ?? times.eventsMs), BATCH));
    if (own.payloads !== undefined) await forgetPayloads(platform, tenant, before(own.payloads));
  }
  // The reconciler may have to look at them first.
  const keptMs = (tenant: string) =>
    Math.max(shorter(rules.get(tenant), times.eventsMs), platform.config.reconcile.afterMs);
  await forgetFinished(platform, keptMs, Math.min(times.eventsMs, ...[...rules.keys()].map(keptMs)));
  const longest = Math.max(deadLettersMs, times.eventsMs, ...[...rules.values()].map(({ events }) => events ?? 0));
  await untilDone(() => platform.effects.forgetBefore(before(longest + EFFECTS_BEYOND_DEAD_LETTERS_MS), BATCH));
  await untilDone(() => platform.outbox.forgetBefore(before(2 * DAY_MS), BATCH));
  await untilDone(() => platform.usedTokens.forgetBefore(before(2 * DAY_MS), BATCH));
  await untilDone(() => platform.listening.forgetBefore(before(longest), BATCH));
  await untilDone(() => platform.starts.forgetBefore(before(longest), BATCH));
  // A job of facts that is redriven comes again as long as dead letters are kept.
  await untilDone(() => platform.ledger.forgetBefore(before(deadLettersMs + DAY_MS), BATCH));
  await dropRetiredKeys(platform, before(longest + KEYS_BEYOND_RECORDS_MS));
  await platform.quotaStore.forgetBefore(before(35 * DAY_MS));
  await platform.audit.forgetBefore(before(times.auditMs));
  await platform.queues.backend.sweep();
}

/** How long a tenant's payloads are kept, milliseconds. */
function shorter(own: Retention | undefined, eventsMs: number): number {
  const events = own?.events ?? eventsMs;
  return Math.min(own?.payloads ?? events, events);
}

/**
 * The longest time holds for all at once; tenants with a shorter one are looked at one by one.
 *
 * @returns the longest, milliseconds
 */
async function forgetDeadLetters(platform: Platform, rules: Map<string, Retention>): Promise<number> {
  const { deadLettersMs } = platform.config.retention;
  const own = [...rules].flatMap(([tenant, { deadLetters }]) =>
    deadLetters === undefined ? [] : [[tenant, deadLetters] as const],
  );
  const longest = Math.max(deadLettersMs, ...own.map(([, ms]) => ms));
  const short = [...rules.keys()]
    .map((tenant) => [tenant, rules.get(tenant)!.deadLetters ?? deadLettersMs] as const)
    .filter(([, ms]) => ms < longest);
  for (const queue of QUEUE_NAMES) {
    await untilDone(() => platform.deadLetters.forgetBefore(queue, Date.now() - longest, BATCH));
    for (const [tenant, ms] of short)
      await untilDone(() => platform.deadLetters.forgetOf(queue, tenant, Date.now() - ms, BATCH));
  }
  return longest;
}

async function forgetPayloads(platform: Platform, tenant: string, before: Date): Promise<void> {
  let marks = reached.get(platform);
  if (!marks || Date.now() - marks.since > DAY_MS)
    reached.set(platform, (marks = { since: Date.now(), tenants: new Map() }));
  for (;;) {
    const from = marks.tenants.get(tenant) ?? new Date(0);
    const pass = await platform.retention.forgetPayloads(tenant, from, before, BATCH);
    marks.tenants.set(tenant, pass.reached ?? before);
    if (!pass.reached) return;
    await wait(PAUSE_MS);
  }
}

async function untilDone(forget: () => Promise<number>): Promise<void> {
  while ((await forget()) === BATCH) await wait(PAUSE_MS);
}
