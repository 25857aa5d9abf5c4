import { z } from 'zod';
import { durationSchema } from './duration';
import { BadRequestError } from './errors';
import { nameSchema, prioritySchema } from './event';

/** An event of a tenant's own service: `POST /v1/events`. */
export const eventInputSchema = z
  .strictObject({
    type: z.string().min(1).max(255).describe('For example `order.created`.'),
    data: z.json().describe('The payload.'),
    id: z.string().min(1).max(255).optional().describe('Your id: the same id within 24 h is the same event.'),
    subject: z.string().max(500).optional(),
    time: z.iso.datetime({ offset: true }).optional().describe('When it happened; now if left out.'),
    orderingKey: z.string().max(255).optional(),
    correlationId: z.string().max(255).optional(),
    causationId: z.string().max(255).optional(),
    priority: prioritySchema.default('normal'),
    delay: durationSchema.optional().describe('Process it this much later: `90s`, `15m`.'),
    tenant: nameSchema.optional().describe('Only with a key of the platform.'),
  })
  .meta({ id: 'EventInput' });
export type EventInput = z.infer<typeof eventInputSchema>;

export const eventsInputSchema = z
  .strictObject({ events: z.array(eventInputSchema).min(1).max(1_000) })
  .meta({ id: 'EventsInput' });

export const acceptedSchema = z
  .object({
    id: z.string().describe("The event's id; for a duplicate, that of the first one."),
    duplicate: z.boolean(),
  })
  .meta({ id: 'Accepted' });

/** A zod error as a 400 that names each field. */
export function invalidInput(error: z.ZodError): BadRequestError {
  const errors = error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const first = errors[0];
  return new BadRequestError(
    first ? `${first.path ? `"${first.path}": ` : ''}${first.message}` : 'the input is not valid',
    {
      code: 'input-invalid',
      details: { errors },
    },
  );
}
