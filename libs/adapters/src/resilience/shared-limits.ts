import type { Rate } from '../adapter';

/** Whether the outside system behind a gate may be called now. */
export type Passage =
  /** `probe`: the circuit was open, and this one call finds out for all whether it works again. */
  { go: true; probe: boolean } | { go: false; why: 'blocked' | 'open'; waitMs: number; reason?: string };

export interface LimitState extends Rate {
  key: string;
  /** Milliseconds until a call would be let through. */
  waitMs: number;
  granted: number;
  refused: number;
}

export interface GateState {
  key: string;
  state: 'closed' | 'open' | 'half-open';
  /** Milliseconds that the other side asked us to wait, and that are left. */
  blockedMs: number;
  /** Milliseconds until a call finds out whether it works again. */
  openMs: number;
  openings: number;
  reason?: string;
}

export interface Opening {
  /** The first time; each further opening without success between doubles it, up to `mostMs`. */
  forMs: number;
  mostMs: number;
  reason: string;
}

/**
 * What all workers know together about the systems they call. Times are durations by the store's own clock: workers'
 * clocks differ.
 *
 * A limit is an allowance (calls a second). A gate is one system as one tenant reaches it: open or closed circuit, and
 * how long it asked us to wait.
 */
export interface SharedLimits {
  /**
   * Takes one call from an allowance. Those refused at the same time get different times, so that they do not all come
   * back at once.
   *
   * @returns milliseconds to wait before asking again; 0: it was taken
   */
  take(key: string, rate: Rate): Promise<number>;
  /** Nobody passes for so long; a longer block stays. Milliseconds. */
  block(gate: string, forMs: number, reason?: string): Promise<void>;
  /** @param probeMs how long a probe may take before another call becomes one */
  pass(gate: string, probeMs: number): Promise<Passage>;
  /** Opens the circuit, unless it is open already and the caller was not the probe. */
  open(gate: string, opening: Opening, wasProbe: boolean): Promise<void>;
  /** The probe could not be made after all: the next call is the probe. */
  release(gate: string): Promise<void>;
  /** The probe succeeded: everybody may call. */
  close(gate: string): Promise<void>;
  /** For the operations API: of the tenant whose keys start so, or of all. */
  list(prefix?: string): Promise<{ limits: LimitState[]; gates: GateState[] }>;
  /** Forgets everything about these keys: an operator knows better. @returns how many were known */
  reset(prefix: string): Promise<number>;
}
