import { durationSchema } from '@spillway/contracts';
import { z } from 'zod';

export const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
export const duration = (fallback: string) => durationSchema.prefault(fallback);
/** `a, b` → a and b. */
export const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean),
);
export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0', 'on', 'off'])
    .transform((value) => value === 'true' || value === '1' || value === 'on')
    .prefault(fallback ? 'true' : 'false');
