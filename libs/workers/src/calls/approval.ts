import { type Notify, notifySchema, PermanentError } from '@spillway/contracts';
import { z } from 'zod';

/** The function by which a run asks a person. */
export const APPROVAL = 'spillway.approval';

const schema = z.strictObject({
  title: z.string().min(1).max(200),
  text: z.string().max(5_000).optional(),
  /** Shown to the person who decides. */
  details: z.json().optional(),
  /** How they hear of it; the link is added. Left out: they find it in the operations API only. */
  notify: notifySchema.optional(),
});

export interface Approval {
  title: string;
  details: { text?: string; details?: unknown };
  notify?: Notify;
}

/** @throws PermanentError `arguments-invalid` */
export function approvalOf(args: unknown): Approval {
  const parsed = schema.safeParse(args);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new PermanentError(`${APPROVAL}: ${issue.path.join('.')} ${issue.message}`, { code: 'arguments-invalid' });
  }
  const { title, text, details, notify } = parsed.data;
  return { title, details: { ...(text !== undefined && { text }), ...(details !== undefined && { details }) }, notify };
}

/** The message that brings the question and its link to somebody; nobody else is to see the link, as it is a key. */
export function messageOf({ title, details, notify }: Approval, link: string): Notify | undefined {
  if (notify?.channel === 'callback') return { ...notify, body: { title, ...details, link } as never };
  return notify && { ...notify, message: `${notify.message}: ${link}` };
}
