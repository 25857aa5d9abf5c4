/** Processor time of this thread, in milliseconds: what a test may measure on a machine that has other work. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
