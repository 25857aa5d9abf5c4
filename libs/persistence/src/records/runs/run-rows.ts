/** A run as it is kept. Its state is the flow engine's business. */
export interface RunRow {
  id: string;
  tenant: string;
  flow: string;
  /** Of the definition it began with. */
  hash: string;
  version: string;
  route: string;
  eventId: string;
  parentRun: string | null;
  parentNode: number | null;
  seq: number;
  status: string;
  state: unknown;
  jobs: number;
  wakeAt: Date | null;
  priority: string;
  correlationId: string;
  startedAt: Date;
  endedAt: Date | null;
}

/** A task of a run that has ended. */
export interface RunTaskRow {
  node: number;
  path: string;
  name: string;
  kind: string;
  attempt?: number;
  /** Of the loop in whose list it stands. */
  iteration?: number;
  status: string;
  /** Left out: the run's own. */
  input?: unknown;
  output?: unknown;
  /** What it gave before `output.as`, where that made another value of it. */
  answer?: unknown;
  error?: unknown;
  startedAt: Date;
  endedAt: Date;
}

export interface InboxRow {
  key: string;
  input: unknown;
}

/** One advance of a run, written as a whole or not at all. */
export interface RunChange {
  /** As it is to be; `seq` is that of the state before, 0 for a new run. */
  run: RunRow;
  /** Keys of the inbox that were taken. */
  taken: string[];
  commands: { node: number; command: unknown }[];
  /** Nodes whose commands are answered or forgotten. */
  closed: number[];
  tasks: RunTaskRow[];
  /** What tasks found in the context, where that had changed. */
  contexts: { node: number; context: unknown }[];
  /** Ids of events that it consumed. */
  heard: string[];
  /** Written after what `unlistens` takes away. */
  listens: { node: number; lookups: Lookup[]; since: Date }[];
  unlistens: number[];
  /** For the inboxes of other runs. */
  deliveries: Delivery[];
  /** Sub-runs to begin. */
  children: RunRow[];
}

/** What a listener is found by; the flow engine says what it means. */
export interface Lookup {
  /** Of the event; left out: any. */
  type?: string;
  /** How `key` is made of an event; left out: every event of the type is meant. At most 500 characters. */
  recipe?: string;
  /** What that must come to. Kept as a digest. */
  key?: string;
}

export interface Delivery {
  /** Whose payload it is; left out for an order, which has none. */
  tenant?: string;
  runId: string;
  key: string;
  input: unknown;
}
