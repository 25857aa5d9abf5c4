import type { Priority } from '@spillway/contracts';

/** BullMQ takes jobs without a priority (0) first, then the lowest number. */
const NUMBERS: Record<Priority, number> = { critical: 0, high: 1, normal: 2, low: 3 };

export function bullPriority(priority: Priority): number {
  return NUMBERS[priority];
}
