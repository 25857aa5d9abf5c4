import type { Priority } from '@spillway/contracts';

/** BullMQ takes the lowest number first. Those that have their place from their lane come before all of them (`lanes/`). */
const NUMBERS: Record<Priority, number> = { critical: 1, high: 2, normal: 3, low: 4 };

export function bullPriority(priority: Priority): number {
  return NUMBERS[priority];
}
