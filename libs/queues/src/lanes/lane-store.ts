import type { NewJob } from '../redis/add-jobs';

/** Jobs of a lane that may have their place in the queue before it is their turn; those after them wait in the lane. */
export const AHEAD = 5_000;

/** Where a job stands in line. */
export interface LanePlace {
  /** The tenant, who has one lane in each queue. */
  lane: string;
  /** Jobs of one key run one at a time, in the order in which they were added. */
  key?: string;
  /** Of the tenant's share when there is more work than workers. 1, if left out. */
  weight?: number;
  /** Jobs of the tenant at once in this queue. */
  cap?: number;
}

export interface LanePolicy {
  weight: number;
  cap?: number;
}

/** A job with its place; one without goes into the queue whatever others do. */
export interface LaneJob extends NewJob {
  place?: LanePlace;
}

/** A job that came to its end here. */
export interface Ended {
  id: string;
  lane: string;
  key?: string;
  succeeded: boolean;
}

export interface Pumped {
  /** Jobs let in. */
  admitted: number;
  /** Whether a lane has more to give. */
  ready: boolean;
  /** When the first spilled job is due, Unix milliseconds. */
  nextDue?: number;
}

export interface RetryLater {
  id: string;
  /** The worker's token, which proves that the job is its own. */
  token: string;
  /** Unix milliseconds. */
  dueAt: number;
  /** Whether the attempt is used up. */
  counts: boolean;
  reason: string;
  stack: string[];
}

/** Why an ordering key is parked. */
export interface Parking {
  /** The job that was given up. */
  job: string;
  at: number;
  code: string;
  message: string;
}

export interface LaneSummary {
  lane: string;
  /** Jobs that wait to be let in, without those behind an ordering key or not yet due. */
  waiting: number;
  /** Jobs of a capped lane that are let in. */
  held: number;
  /** At its cap. */
  blocked: boolean;
  weight: number;
  cap?: number;
}

export interface KeySummary {
  lane: string;
  key: string;
  /** The job that the others wait for. */
  head?: string;
  behind: number;
  parked?: Parking;
}

export interface LaneList {
  lanes: LaneSummary[];
  keys: KeySummary[];
  spilled: number;
  /** Spilled jobs that wait for a time. */
  due: number;
  /** Jobs that may wait in the queue itself before others spill. */
  window: number;
}

export interface Healed {
  /** Slots whose job was gone. */
  freed: number;
  /** Spilled jobs that were in no lane: none, unless somebody else wrote to the store. */
  lost: number;
}

/**
 * The lanes of one queue: each tenant's jobs, and each ordering key's, in a line of their own. Every method is one atomic
 * step of the store, so that a crash between two of them leaves nothing half done. `conformance.spec.ts` holds both stores
 * against a model.
 */
export interface LaneStore {
  /**
   * Into the queue, at the place that its lane's share gives it; into the lane when something holds it back (a cap, an
   * ordering key, a time) or the lane has `AHEAD` jobs in the queue. A job whose id is there already is that job.
   *
   * @returns for each job the id of the one that stands for it
   */
  add(jobs: LaneJob[]): Promise<string[]>;
  /** Frees what ended and lets jobs in, while there is room. */
  pump(ended: Ended[], most: number): Promise<Pumped>;
  /**
   * A failed job waits in its lane for its next attempt, and gives back its slot of a cap.
   *
   * @returns false when the job is not this worker's any more
   */
  retryLater(retry: RetryLater): Promise<boolean>;
  /** Says how many jobs a worker does at once, until a time; 0 when it leaves. The window follows. */
  register(worker: string, concurrency: number, until: number): Promise<void>;
  /** Frees slots whose job is gone, page by page. @param deep also looks for jobs that are in no lane */
  heal(deep: boolean): Promise<Healed>;
  /** Sets the policies; a lane not named has the default. */
  configure(policies: Map<string, LanePolicy>): Promise<void>;
  /** Stops an ordering key behind a job that is given up. @returns false when that is not its head */
  park(lane: string, key: string, parking: Parking): Promise<boolean>;
  /** Lets a parked ordering key go on behind its head. @returns whether it was parked */
  skip(lane: string, key: string): Promise<boolean>;
  /** @param lane only this one. @param key only this ordering key of it */
  list(most: number, lane?: string, key?: string): Promise<LaneList>;
  /**
   * Jobs of a lane that wait, without those behind an ordering key or not yet due; counted up to `most`. Of those that have
   * their place in the queue it knows by how far the lane is ahead: about, when some were cancelled.
   */
  waiting(lane: string, most: number): Promise<number>;
}
