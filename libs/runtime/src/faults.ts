import { appendFileSync, readFileSync } from 'node:fs';

/** Faults that the crash tests put in, by environment; never in production. */
const FAULT = process.env['NODE_ENV'] === 'production' ? undefined : process.env['SPILLWAY_FAULT'];

export function dieIfTold(fault: string): void {
  if (FAULT === fault) process.kill(process.pid, 'SIGKILL');
}

/**
 * With `SPILLWAY_FAULT=crash-point`: what the file `SPILLWAY_FAULT_FILE` says, read anew at each point, so that one process
 * can be told again. `{"id","at","signal","only"}`: at the `at`-th point since this `id` was first seen (0: at none), of
 * those that are called `only`, the process sends itself `signal`. The names of the points that were passed are written
 * to `SPILLWAY_FAULT_FILE` + `.ID`.
 */
interface Order {
  id: string;
  at: number;
  signal: NodeJS.Signals;
  only?: string;
}

const passed = { id: '', count: 0 };

/** A place where a crash must do no harm. */
export function crashPoint(name: string): void {
  if (FAULT !== 'crash-point') return;
  const file = process.env['SPILLWAY_FAULT_FILE']!;
  const order = orderIn(file);
  if (!order || (order.only !== undefined && order.only !== name)) return;
  if (passed.id !== order.id) Object.assign(passed, { id: order.id, count: 0 });
  passed.count += 1;
  appendFileSync(`${file}.${order.id}`, `${name}\n`);
  if (passed.count === order.at) process.kill(process.pid, order.signal);
}

/** A step with a crash point before and after it. */
export async function between<T>(what: string, step: () => Promise<T>): Promise<T> {
  crashPoint(`before ${what}`);
  const result = await step();
  crashPoint(`after ${what}`);
  return result;
}

function orderIn(file: string): Order | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Order;
  } catch {
    // Nothing was ordered, or it is being written.
    return undefined;
  }
}
