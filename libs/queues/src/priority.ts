import type { Priority } from '@spillway/contracts';

/** BullMQ takes the lowest number first. 0 is for jobs that their lane let in, whose order is the lanes' (`lanes/`). */
const NUMBERS: Record<Priority, number> = { critical: 1, high: 2, normal: 3, low: 4 };

export function bullPriority(priority: Priority): number {
  return NUMBERS[priority];
}
