import { sha256 } from '@spillway/contracts';

/** An entry of the audit log, as it is kept. */
export interface ChainedEntry {
  /** 1, 2, 3, …: without a gap. */
  seq: number;
  id: string;
  /** ISO 8601, milliseconds. */
  at: string;
  actor: string;
  actorId: string | null;
  action: string;
  tenant: string | null;
  target: string;
  /** JSON, to the letter. */
  details: string;
  address: string | null;
  userAgent: string | null;
  outcome: string;
  /** The hash of the entry before. */
  prev: string;
  hash: string;
  /** A signature over the hash, by the installation's key. */
  mac: string;
}

export type UnchainedEntry = Omit<ChainedEntry, 'seq' | 'prev' | 'hash' | 'mac'>;

/** A place in the chain: whoever knows it can tell whether all up to it is as it was. */
export interface ChainHead {
  seq: number;
  hash: string;
}

export interface ChainProblem {
  seq: number;
  what: 'changed' | 'missing' | 'order' | 'unsigned' | 'truncated' | 'anchor';
  message: string;
}

/** Signs what only this installation may write. */
export interface AuditSigner {
  sign(text: string): string;
  verify(text: string, mac: string): boolean;
}

/** What the first entry follows. */
export const GENESIS: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 over all of an entry but `hash` and `mac`, as one JSON array. */
export function hashOfEntry(entry: Omit<ChainedEntry, 'hash' | 'mac'>): string {
  const { seq, id, at, actor, actorId, action, tenant, target, details, address, userAgent, outcome, prev } = entry;
  return sha256(
    JSON.stringify([seq, id, at, actor, actorId, action, tenant, target, details, address, userAgent, outcome, prev]),
  );
}

/** Appends entries to a chain. */
export function chain(entries: UnchainedEntry[], head: ChainHead, signer: Pick<AuditSigner, 'sign'>): ChainedEntry[] {
  let { seq, hash: prev } = head;
  return entries.map((entry) => {
    seq += 1;
    const hash = hashOfEntry({ ...entry, seq, prev });
    const chained = { ...entry, seq, prev, hash, mac: signer.sign(hash) };
    prev = hash;
    return chained;
  });
}

/** Walks along a chain and says what is wrong with it. */
export class ChainCheck {
  readonly problems: ChainProblem[] = [];
  count = 0;
  private marks: ChainHead[];

  /**
   * @param head what the first entry must follow
   * @param marks places that somebody knows
   * @param signer left out, signatures are not looked at: the hashes alone show what is not a whole new chain
   */
  constructor(
    public head: ChainHead,
    marks: ChainHead[] = [],
    private readonly signer?: Pick<AuditSigner, 'verify'>,
  ) {
    this.marks = marks.filter((mark) => mark.seq > head.seq);
    for (const mark of marks) if (mark.seq === head.seq) this.compare(mark, head);
  }

  next(entry: ChainedEntry): void {
    const { seq, hash } = entry;
    const { head } = this;
    this.count += 1;
    if (seq > head.seq + 1) {
      const missing = seq - head.seq - 1;
      const which = missing === 1 ? `entry ${seq - 1} is` : `entries ${head.seq + 1} to ${seq - 1} are`;
      this.problem(head.seq + 1, 'missing', `${which} missing`);
    } else if (seq <= head.seq) this.problem(seq, 'order', `entry ${seq} comes after entry ${head.seq}`);
    else if (entry.prev !== head.hash) this.problem(seq, 'order', `entry ${seq} does not follow the one before it`);
    if (hashOfEntry(entry) !== hash) this.problem(seq, 'changed', `entry ${seq} is not what was written`);
    else if (this.signer && !this.signer.verify(hash, entry.mac)) {
      this.problem(seq, 'unsigned', `entry ${seq} was not written by this installation`);
    }
    this.head = { seq, hash };
    for (const mark of this.marks) if (mark.seq === seq) this.compare(mark, this.head);
  }

  /** Call it after the last entry. */
  end(): void {
    for (const mark of this.marks.filter(({ seq }) => seq > this.head.seq)) {
      const message = `the log ends at ${this.head.seq}, and there was an entry ${mark.seq}`;
      this.problem(mark.seq, 'truncated', message);
    }
  }

  problem(seq: number, what: ChainProblem['what'], message: string): void {
    this.problems.push({ seq, what, message });
  }

  private compare(mark: ChainHead, found: ChainHead): void {
    if (mark.hash === found.hash) return;
    this.problem(mark.seq, 'anchor', `entry ${mark.seq} has another hash than it had`);
  }
}
