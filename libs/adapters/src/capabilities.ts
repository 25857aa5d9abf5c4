import { z } from 'zod';
import type { AdapterContext, Capability, OnceOnly } from './adapter';

/** What providers call E.164: a plus, the country, the number. */
const phone = z.string().regex(/^\+[1-9]\d{4,14}$/, 'must be a phone number like +14155550123 (E.164)');
const id = z.string().min(1);
/** ISO 4217, lower case as Stripe and most others write it. */
const currency = z.string().regex(/^[a-z]{3}$/, 'must be a currency like usd');
/** In the smallest unit of the currency: cents. */
const amount = z.number().int().nonnegative();
const customField = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

/** Where a message is on its way; every provider's own words are one of these. */
const messageStatus = z.enum(['queued', 'sent', 'delivered', 'failed']);
const callStatus = z.enum(['queued', 'ongoing', 'ended', 'failed']);

/**
 * Capabilities that several adapters may serve: one shape of arguments and one of results, so that a flow stays as it
 * is when the tenant changes the provider. What only one provider has is a capability of that adapter, under its name
 * (`twilio.lookupNumber`).
 */
export const SHARED = {
  'crm.upsertContact': {
    title: 'Create or update a contact, found by email or phone',
    arguments: z
      .strictObject({
        phone: phone.optional(),
        email: z.email().optional(),
        firstName: z.string().optional(),
        lastName: z.string().optional(),
        /** Added to those that the contact has. */
        tags: z.array(z.string().min(1)).optional(),
        customFields: z.record(z.string(), customField).optional(),
      })
      .refine((it) => it.phone !== undefined || it.email !== undefined, { message: 'needs "phone" or "email"' }),
    result: z.strictObject({ id, created: z.boolean() }),
  },
  'sms.send': {
    title: 'Send a text message',
    arguments: z.strictObject({ to: phone, from: phone.optional(), body: z.string().min(1).max(1_600) }),
    result: z.strictObject({ id, status: messageStatus }),
  },
  'chat.post': {
    title: 'Post a message to a chat channel',
    arguments: z.strictObject({
      channel: id,
      /** What is shown where blocks are not. */
      text: z.string().min(1).max(40_000),
      /** Rich content in the provider's own language. */
      blocks: z.array(z.record(z.string(), z.json())).max(50).optional(),
    }),
    /** `channel`: where it was posted, as the provider names it. */
    result: z.strictObject({ id, channel: id }),
  },
  'payments.retrieveInvoice': {
    title: 'Read an invoice',
    arguments: z.strictObject({ id }),
    result: z.strictObject({
      id,
      status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']),
      currency,
      amountDue: amount,
      amountPaid: amount,
      customer: z.string().optional(),
      number: z.string().optional(),
      url: z.string().optional(),
    }),
  },
  'payments.refund': {
    title: 'Pay back a payment, all of it or an amount',
    arguments: z.strictObject({
      payment: id,
      /** Left out: all of it. */
      amount: z.number().int().positive().optional(),
      reason: z.enum(['duplicate', 'fraudulent', 'requested-by-customer']).optional(),
    }),
    result: z.strictObject({ id, status: z.enum(['pending', 'succeeded', 'failed']), amount, currency }),
  },
  'voice.createCall': {
    title: 'Call somebody with a voice agent',
    arguments: z.strictObject({
      to: phone,
      from: phone.optional(),
      /** The agent that speaks; left out, the one bound to the number. */
      agent: id.optional(),
      /** What the agent's prompt may use. */
      variables: z.record(z.string(), z.string()).optional(),
      /** Kept with the call. */
      metadata: z.record(z.string(), z.json()).optional(),
    }),
    result: z.strictObject({ id, status: callStatus }),
  },
  'voice.getCall': {
    title: 'Read a call',
    arguments: z.strictObject({ id }),
    result: z.strictObject({
      id,
      status: callStatus,
      startedAt: z.iso.datetime().optional(),
      endedAt: z.iso.datetime().optional(),
      /** Why it ended, in the provider's words. */
      reason: z.string().optional(),
      transcript: z.string().optional(),
      recordingUrl: z.string().optional(),
      summary: z.string().optional(),
    }),
  },
  'workflow.start': {
    title: 'Start a workflow of an automation tool',
    arguments: z.strictObject({
      workflow: id,
      input: z.json().default({}),
      /** Told by the workflow when it is done. */
      callbackUrl: z.url().optional(),
    }),
    result: z.strictObject({ id, output: z.json().optional() }),
  },
} as const;

export type SharedName = keyof typeof SHARED;
export type ArgumentsOf<Name extends SharedName> = z.infer<(typeof SHARED)[Name]['arguments']>;
export type ResultOf<Name extends SharedName> = z.infer<(typeof SHARED)[Name]['result']>;

/** A shared capability as one adapter serves it. */
export function serves<Name extends SharedName, Options>(
  name: Name,
  how: {
    idempotent: OnceOnly;
    call(parameters: ArgumentsOf<Name>, context: AdapterContext<Options>): Promise<ResultOf<Name>>;
  },
): Capability<Options, ArgumentsOf<Name>, ResultOf<Name>> {
  const { title, arguments: parameters, result } = SHARED[name];
  return {
    title,
    arguments: parameters as unknown as z.ZodType<ArgumentsOf<Name>>,
    result: result as unknown as z.ZodType<ResultOf<Name>>,
    ...how,
  };
}
