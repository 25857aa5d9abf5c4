import { z } from 'zod';
import { durationSchema } from './duration';

/**
 * What happens to an event or a run that would go over a quota:
 * - `reject`: it is refused: 429 with `Retry-After` for a webhook, the dead letters for a run.
 * - `delay`: it is taken, and worked off as the quota allows.
 * - `park`: it is taken and kept aside until an operator releases it (or, for a run, redrives it).
 */
export const quotaPolicySchema = z.enum(['reject', 'delay', 'park']);
export type QuotaPolicy = z.infer<typeof quotaPolicySchema>;

const count = z.number().int().min(1);
const policy = quotaPolicySchema.default('reject');
const amount = z.strictObject({ limit: count, policy });

/** What a tenant may use. Left out: without limit. */
export const quotasSchema = z
  .strictObject({
    /** Events a second, as a token bucket; `burst` is what may come at once after a pause, `limit` if left out. */
    eventsPerSecond: z.strictObject({ limit: z.number().positive(), burst: count.optional(), policy }),
    /** Events a day (UTC). */
    eventsPerDay: amount,
    /** Bytes of request bodies a day (UTC). */
    bytesPerDay: amount,
    /** Jobs that wait in the lanes of the tenant. */
    waitingJobs: amount,
    /** Runs of flows that begin in a day (UTC). */
    runsPerDay: amount,
    /** Runs that have begun and not ended. */
    openRuns: amount,
  })
  .partial();
export type Quotas = z.infer<typeof quotasSchema>;
export type QuotaName = keyof Quotas;

/** How long a tenant's things are kept; shorter or longer than the installation's own times. */
export const retentionSchema = z
  .strictObject({
    /** Events with their ledger, and the runs that they began. */
    events: durationSchema,
    /** What providers sent in events; the ledger stays. */
    payloads: durationSchema,
    quarantine: durationSchema,
    deadLetters: durationSchema,
  })
  .partial();
export type Retention = z.infer<typeof retentionSchema>;
