import { approvalSchema, type Notify, PermanentError } from '@spillway/contracts';

/** The function by which a run asks a person. */
export const APPROVAL = 'spillway.approval';

export interface Approval {
  title: string;
  details: { text?: string; details?: unknown };
  notify?: Notify;
}

/** @throws PermanentError `arguments-invalid` */
export function approvalOf(args: unknown): Approval {
  const parsed = approvalSchema.safeParse(args);
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
