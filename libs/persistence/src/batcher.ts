import { currentTenants } from './tenant-scope/scope';

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface Batching<Item> {
  /** Items in one batch. */
  most: number;
  /** What an item weighs; a batch weighs no more than `mostWeight`, unless it is one item. */
  weigh?: (item: Item) => number;
  mostWeight?: number;
  /**
   * Under load (the batch before had company) so long is waited for more to come: for work that gets cheaper the more
   * of it is done at once, and that nobody waits for. Where several batches may be under way, only while another is: work
   * that somebody waits for goes at once or with the next. Milliseconds.
   */
  lingerMs?: number;
  /** Batches under way at once; 1, if left out. */
  parallel?: number;
  /** Whether the items of a batch that failed may succeed one by one. Yes, if left out. */
  apart?: (error: unknown) => boolean;
}

/**
 * Group commit: calls made while one is under way go together in the next. Under load many callers share one round
 * trip; alone, a caller waits for nobody. What is asked for in the scope of tenants goes alone: a batch is one query, and has
 * one scope.
 *
 * @example const find = batched((keys: string[]) => database.findAll(keys), { most: 500 });
 */
export function batched<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  options: Batching<Item>,
): (item: Item) => Promise<Result> {
  const { most, lingerMs = 0, parallel = 1, apart = () => true } = options;
  let waiting: Waiting<Item, Result>[] = [];
  /** Batches under way, and the one that gathers. */
  let taken = 0;
  let gathering = false;
  let company = false;
  /** Ends the wait of who lingers. */
  let enough: (() => void) | undefined;

  function next(): void {
    if (waiting.length > 0 && !gathering && taken < parallel) void one();
  }

  async function one(): Promise<void> {
    taken += 1;
    const batch = await gather();
    // What did not fit.
    next();
    try {
      const results = await run(batch.map(({ item }) => item));
      batch.forEach((each, index) => each.resolve(results[index]!));
    } catch (error) {
      if (batch.length > 1 && apart(error)) await Promise.all(batch.map((each) => alone(each)));
      else for (const each of batch) each.reject(error);
    }
    taken -= 1;
    // Whoever lingers is the only one now.
    if (taken === 1) enough?.();
    next();
  }

  async function gather(): Promise<Waiting<Item, Result>[]> {
    gathering = true;
    // One turn of the event loop gathers what the same tick asks for.
    await new Promise(setImmediate);
    if (lingerMs > 0 && company && (parallel === 1 || taken > 1)) await linger();
    gathering = false;
    company = waiting.length > 1;
    const count = fitting(waiting, options);
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  /** Until the batch is full, the time is over, or nothing else is under way any more. */
  async function linger(): Promise<void> {
    if (waiting.length >= most) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lingerMs);
      enough = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    enough = undefined;
  }

  /** One bad item must not fail its neighbours. */
  async function alone(one: Waiting<Item, Result>): Promise<void> {
    try {
      one.resolve((await run([one.item]))[0]!);
    } catch (error) {
      one.reject(error);
    }
  }

  return (item) => {
    if (currentTenants()) return run([item]).then((results) => results[0]!);
    return new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length >= most) enough?.();
      next();
    });
  };
}

/** How many of the first ones make a batch. */
function fitting<Item>(waiting: { item: Item }[], { most, weigh, mostWeight = Infinity }: Batching<Item>): number {
  if (!weigh) return Math.min(waiting.length, most);
  let weight = 0;
  let count = 0;
  while (count < waiting.length && count < most) {
    weight += weigh(waiting[count]!.item);
    if (count > 0 && weight > mostWeight) break;
    count += 1;
  }
  return count;
}
