import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exit } from './exits';

const scopes = new AsyncLocalStorage<readonly string[] | undefined>();

/**
 * Does work whose queries see and change rows of these tenants only; PostgreSQL sees to it, by row-level security. It is
 * what stands behind the conditions that queries have, not in their place.
 *
 * @param tenants null: all, as the platform's own people; none: no row at all
 */
export function inTenants<T>(tenants: readonly string[] | null, work: () => T): T {
  return tenants === null ? work() : scopes.run(tenants, work);
}

/** As {@link inTenants}, for what is read bit by bit after the work is done. */
export async function* eachInTenants<T>(tenants: readonly string[] | null, items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await inTenants(tenants, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await inTenants(tenants, () => iterator.return?.());
  }
}

/** Leaves the scope for what has to see more than one tenant; each exit has its reason in `exits.ts`. */
export function asPlatform<T>(_exit: Exit, work: () => T): T {
  return scopes.run(undefined, work);
}

/** Whose rows may be seen now; undefined is everybody's. */
export function currentTenants(): readonly string[] | undefined {
  return scopes.getStore();
}
