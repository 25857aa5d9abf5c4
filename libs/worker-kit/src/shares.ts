/**
 * How many jobs each partition may run in this process: what the others leave of the whole, and never less than its even
 * share, so that a busy partition cannot starve one that wakes. For a moment that may be more than the whole.
 *
 * @param busy jobs that run, of each partition
 */
export function shares(concurrency: number, busy: readonly number[]): number[] {
  const even = Math.max(1, Math.floor(concurrency / busy.length));
  const running = busy.reduce((sum, one) => sum + one, 0);
  return busy.map((own) => Math.max(even, concurrency - (running - own)));
}
