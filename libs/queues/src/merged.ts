/** One sequence of several, each of which is in order already: smallest `by` first. Reads no further than it is read. */
export async function* merged<T>(parts: AsyncGenerator<T>[], by: (one: T) => number): AsyncGenerator<T> {
  const heads = await Promise.all(parts.map(async (part) => ({ part, head: await part.next() })));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const one of heads) {
      if (one.head.done) continue;
      if (!first || by(one.head.value) < by(first.head.value as T)) first = one;
    }
    if (!first) return;
    yield first.head.value as T;
    first.head = await first.part.next();
  }
}
