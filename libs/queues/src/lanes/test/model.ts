import type { Job } from 'bullmq';
import type { Ended } from '../lane-store';
import type { World } from './world';

export const CAPS: Record<string, number | undefined> = { a: undefined, b: 2, c: undefined };
export const WEIGHTS: Record<string, number | undefined> = { a: undefined, b: undefined, c: 3 };
/** Of two slots; see `register`. */
export const WINDOW = 4;

export interface Known {
  lane: string;
  key?: string;
}

/** What must be true of the lanes, whatever happened. */
export class Model {
  readonly open = new Map<string, Known>();
  readonly active = new Map<string, Job>();
  /** Ids of an ordering key in the order in which they must run; the first one may be parked. */
  readonly lines = new Map<string, string[]>();
  readonly parked = new Map<string, string>();
  /** Ends that no pump has been told of: their worker died. */
  paused = false;
  private counter = 0;

  newId(): string {
    this.counter += 1;
    return `j${this.counter}`;
  }

  added(id: string, known: Known): void {
    this.open.set(id, known);
    if (known.key === undefined) return;
    const line = this.lineOf(known);
    if (this.parked.get(nameOf(known)) === id) this.parked.delete(nameOf(known));
    else line.push(id);
  }

  ended(id: string, outcome: 'done' | 'parked' | 'given up'): void {
    const known = this.open.get(id)!;
    this.open.delete(id);
    this.active.delete(id);
    if (known.key === undefined) return;
    if (outcome === 'parked') this.parked.set(nameOf(known), id);
    else this.drop(known, id);
  }

  skipped(known: Known): void {
    this.drop(known, this.parked.get(nameOf(known))!);
    this.parked.delete(nameOf(known));
  }

  private drop(known: Known, id: string): void {
    const line = this.lineOf(known);
    line.splice(line.indexOf(id), 1);
  }

  private lineOf(known: Known): string[] {
    const name = nameOf(known);
    if (!this.lines.has(name)) this.lines.set(name, []);
    return this.lines.get(name)!;
  }

  /** Holds at any time, also between two steps of a crash. */
  async check(world: World): Promise<void> {
    const states = await world.states();
    const lost = [...this.open.keys()].filter((id) => !states.has(id));
    const ghosts = [...states.keys()].filter((id) => !this.open.has(id));
    if (lost.length + ghosts.length > 0) throw new Error(`lost: ${lost.join()}; not to be there: ${ghosts.join()}`);
    const inside = new Map<string, number>();
    for (const [id, state] of states) {
      if (state === 'waiting-children') continue;
      const { lane, key } = this.open.get(id)!;
      if (state !== 'delayed') inside.set(lane, (inside.get(lane) ?? 0) + 1);
      const first = key !== undefined && this.lines.get(`${lane}/${key}`)![0];
      if (first && first !== id) throw new Error(`${id} is ${state} while ${first} of its ordering key is not done`);
    }
    for (const [lane, count] of inside) {
      if (count > (CAPS[lane] ?? Infinity)) throw new Error(`${count} jobs of ${lane}, whose cap is ${CAPS[lane]}`);
    }
    const active = [...states].filter(([, state]) => state === 'active').map(([id]) => id);
    if (active.sort().join() !== [...this.active.keys()].sort().join())
      throw new Error(`${active.join()} are active, not ${[...this.active.keys()].join()}`);
  }

  /** Holds after slots were freed and jobs let in: nothing waits that could be let in. */
  async checkFull(world: World): Promise<void> {
    const states = await world.states();
    const waiting = [...states.values()].filter((state) => state === 'waiting' || state === 'prioritized').length;
    if (waiting >= WINDOW) return;
    for (const [id, state] of states) {
      if (state !== 'waiting-children') continue;
      const known = this.open.get(id)!;
      if (known.key !== undefined && (this.parked.has(nameOf(known)) || this.lines.get(nameOf(known))![0] !== id))
        continue;
      const inside = [...states].filter(
        ([other, its]) => its !== 'waiting-children' && its !== 'delayed' && this.open.get(other)!.lane === known.lane,
      );
      if (inside.length < (CAPS[known.lane] ?? Infinity))
        throw new Error(
          `${id} of ${known.lane} is not let in, with ${waiting} waiting and ${inside.length} of its lane in`,
        );
    }
  }
}

export function nameOf({ lane, key }: Known): string {
  return `${lane}/${key}`;
}

export type Tell = (ended: Ended) => Promise<void>;
