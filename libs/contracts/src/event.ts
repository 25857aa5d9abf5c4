import { z } from 'zod';

/** Lower-case words with dashes: names of tenants, sources, routes, flows. Safe in URLs, keys and job ids. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 lower-case letters, digits and dashes');

/** Priority classes of work, best first. */
export const prioritySchema = z.enum(['critical', 'high', 'normal', 'low']);
export type Priority = z.infer<typeof prioritySchema>;

/**
 * One normalized webhook: a CloudEvent 1.0 with Spillway's extensions.
 * Extension names are lower-case letters and digits, as CloudEvents asks.
 */
export const eventSchema = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().describe('Ours: a UUIDv7.'),
    source: z.string().describe('`/tenants/{tenant}/sources/{source}`'),
    type: z.string().describe('`{provider}.{their type}`, for example `stripe.payment_intent.succeeded`.'),
    subject: z.string().optional().describe("The provider's object the event is about."),
    time: z.string().describe("When it happened, RFC 3339; the provider's time if it gives one, else ours."),
    datacontenttype: z.literal('application/json').optional(),
    data: z.unknown().describe("The provider's payload."),
    tenant: z.string(),
    provider: z.string(),
    providerid: z.string().optional().describe("The provider's id of the event, if it has one."),
    idempotencykey: z.string().describe('What makes two deliveries the same event within a source.'),
    orderingkey: z.string().optional().describe('Work of one ordering key is done in order of acceptance.'),
    correlationid: z.string(),
    causationid: z.string().optional(),
    traceparent: z.string().optional().describe('W3C Trace Context: of the request it came in with.'),
    tracestate: z.string().optional(),
    originsource: z.string().optional().describe('The `source` that a flow gave to an event it emitted.'),
  })
  .meta({ id: 'Event' });

export type SpillwayEvent = z.infer<typeof eventSchema>;
