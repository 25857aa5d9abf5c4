import type { RunRow } from '@spillway/persistence';
import { LRUCache } from 'lru-cache';
import { ENDED } from '../engine/state';

const MOST_RUNS = 2_000;
/** Values in a state; larger ones are read anew. */
const MOST_VALUES = 500;

/**
 * Runs as this process stored them last. Most go on here a moment later, and need not be read, unsealed and parsed again if
 * nobody else took them on meanwhile, which their `seq` tells.
 */
export class RecentRuns {
  private readonly runs = new LRUCache<string, RunRow>({ max: MOST_RUNS });

  /** @returns those of these runs that are known */
  of(ids: readonly string[]): Map<string, RunRow> {
    return new Map(ids.flatMap((id) => (this.runs.has(id) ? [[id, this.runs.get(id)!] as const] : [])));
  }

  /** @returns whether it is, as it would be read */
  keep(run: RunRow): boolean {
    const isKept = !ENDED.includes(run.status as never) && isSmallJson(run.state);
    if (isKept) this.runs.set(run.id, run);
    else this.runs.delete(run.id);
    return isKept;
  }
}

/** Whether JSON made of a value and read again is the same value, and not much of it. */
export function isSmallJson(value: unknown): boolean {
  const seen = new Set<object>();
  let left = MOST_VALUES;
  const isSame = (one: unknown): boolean => {
    left -= 1;
    if (left < 0) return false;
    if (typeof one === 'number') return Number.isFinite(one) && !Object.is(one, -0);
    if (typeof one !== 'object' || one === null) return one !== undefined;
    if (seen.has(one)) return true;
    seen.add(one);
    for (const key of Object.keys(one)) {
      const inner = (one as Record<string, unknown>)[key];
      // JSON leaves out what is undefined; so does whoever looks for it.
      if (inner === undefined && !Array.isArray(one)) continue;
      if (!isSame(inner)) return false;
    }
    return true;
  };
  return isSame(value);
}
