import { z } from 'zod';
import { durationSchema } from './duration';
import { nameSchema, prioritySchema } from './event';

/** Any JSON in which a string may hold `${ jq }`; see libs/jq `compileTemplate`. */
const templateSchema = z.json();

const headersSchema = z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not a header name'), z.string());

/** An HTTP call to a third party. Its URL, headers and body are templates over `event`, with `$secrets` and `$task`. */
export const httpCallSchema = z.strictObject({
  url: z.string().min(1),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  headers: headersSchema.default({}),
  /** Left out: the event itself for methods with a body. */
  body: templateSchema.optional(),
});
export type HttpCall = z.infer<typeof httpCallSchema>;

/** A message to people or to a tenant's own endpoint. */
export const notifySchema = z.discriminatedUnion('channel', [
  z.strictObject({ channel: z.literal('log'), message: z.string() }),
  z.strictObject({
    channel: z.literal('callback'),
    url: z.string().min(1),
    /** Name of a tenant secret; the callback is signed with it as Standard Webhooks v1. */
    secret: z.string().min(1),
    body: templateSchema.optional(),
  }),
]);
export type Notify = z.infer<typeof notifySchema>;

/** The arguments of `spillway.approval`: a question to a person. */
export const approvalSchema = z.strictObject({
  title: z.string().min(1).max(200),
  text: z.string().max(5_000).optional(),
  /** Shown to the person who decides. */
  details: z.json().optional(),
  /** How they hear of it; the link is added. Left out: they find it in the operations API only. */
  notify: notifySchema.optional(),
});

const taskOptions = {
  priority: prioritySchema.optional(),
  /** Wait this long before the first attempt. */
  delay: durationSchema.optional(),
  /** Of one attempt; the queue's own timeout if left out. */
  timeout: durationSchema.optional(),
  /** Attempts before the dead letters; the queue's own if left out. */
  attempts: z.number().int().min(1).max(100).optional(),
};

/** One task: exactly one of `http` and `notify`. */
export const taskSchema = z
  .strictObject({
    name: nameSchema.optional(),
    http: httpCallSchema.optional(),
    notify: notifySchema.optional(),
    ...taskOptions,
  })
  .refine((task) => [task.http, task.notify].filter(Boolean).length === 1, {
    message: 'needs exactly one of "http" and "notify"',
  });
export type Task = z.infer<typeof taskSchema>;

/** Where a route sends an event: a task, or a flow by name. */
export const targetSchema = z
  .strictObject({
    http: httpCallSchema.optional(),
    notify: notifySchema.optional(),
    flow: nameSchema.optional(),
    ...taskOptions,
  })
  .refine((target) => [target.http, target.notify, target.flow].filter(Boolean).length === 1, {
    message: 'needs exactly one of "http", "notify" and "flow"',
  });
export type Target = z.infer<typeof targetSchema>;
