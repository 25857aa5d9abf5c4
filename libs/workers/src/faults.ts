/** Faults that the crash tests put in, by environment; never in production. */
export function dieIfTold(fault: string): void {
  if (process.env['SPILLWAY_FAULT'] === fault && process.env['NODE_ENV'] !== 'production')
    process.kill(process.pid, 'SIGKILL');
}
