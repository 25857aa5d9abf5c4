import { z } from 'zod';

const ISO_8601 =
  /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const ISO_UNITS_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];
const UNITS_MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, milliseconds: 1 };

const parts = z.strictObject({
  days: z.number().optional(),
  hours: z.number().optional(),
  minutes: z.number().optional(),
  seconds: z.number().optional(),
  milliseconds: z.number().optional(),
});

/** "Duration" of the DSL reference (ISO 8601 without years and months, or parts) → milliseconds. */
export const durationArgument = z.union([z.string(), parts]).transform((value, context) => {
  const ms = typeof value === 'string' ? isoMilliseconds(value) : partsMilliseconds(value);
  if (ms !== undefined && ms > 0 && Number.isFinite(ms)) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as PT30S or { seconds: 30 }' });
  return z.NEVER;
});

function isoMilliseconds(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (!match || /[PT]$/.test(text)) return undefined;
  return ISO_UNITS_MS.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit, 0);
}

function partsMilliseconds(value: z.infer<typeof parts>): number {
  return Object.entries(UNITS_MS).reduce(
    (sum, [unit, ms]) => sum + (value[unit as keyof typeof UNITS_MS] ?? 0) * ms,
    0,
  );
}
