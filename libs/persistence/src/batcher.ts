interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Group commit: calls made while one is under way go together in the next. Under load many callers share one round
 * trip; alone, a caller waits for nobody.
 *
 * @example const begin = batched((keys: string[]) => database.beginAll(keys), 500);
 */
export function batched<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  most: number,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = false;

  async function drain(): Promise<void> {
    running = true;
    // One turn of the event loop gathers what the same tick asks for.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const results = await run(batch.map((one) => one.item));
        batch.forEach((one, index) => one.resolve(results[index]!));
      } catch (error) {
        if (batch.length === 1) batch[0]!.reject(error);
        else await Promise.all(batch.map((one) => alone(one)));
      }
    }
    running = false;
  }

  /** One bad item must not fail its neighbours. */
  async function alone(one: Waiting<Item, Result>): Promise<void> {
    try {
      one.resolve((await run([one.item]))[0]!);
    } catch (error) {
      one.reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void drain();
    });
}
