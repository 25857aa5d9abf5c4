import { nameSchema, QUEUE_NAMES } from '@spillway/contracts';
import { z } from 'zod';

/** Fields that many operations share. */
export const queueSchema = z.enum(QUEUE_NAMES);
export const tenantField = nameSchema.optional().describe('Only this tenant.');
export const limitField = z.coerce.number().int().min(1).max(500).default(50);
export const beforeField = z.string().optional().describe('The last id of the page before.');
export const timeField = z.iso.datetime({ offset: true }).optional();
export const idParams = z.object({ id: z.string() });
export const jobParams = z.object({ queue: queueSchema, id: z.string() });
