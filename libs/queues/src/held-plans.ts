import type { NewFact } from './fact-sink';

/** A plan is held for at least so long, and at most twice. Milliseconds. */
const HOLD_MS = 1_000;
/** More are not held. */
const MOST_HELD = 10_000;

/**
 * Plans of jobs that are not told at once: most jobs of runs end within a second, and their end tells what was planned. So the
 * ledger writes one row for them instead of one and its change. What a process that dies held back is told with the end of the
 * job, whoever does it, or when the sweep makes the job again.
 */
export class HeldPlans {
  private young = new Map<string, NewFact>();
  private old = new Map<string, NewFact>();
  private timer?: NodeJS.Timeout;

  /** @param tell those whose job has not ended in time; it is tried again when that fails */
  constructor(private readonly tell: (plans: NewFact[]) => Promise<void>) {}

  /** @returns what of these is to be told now: without plans, and with those that nothing else tells */
  pass(facts: readonly NewFact[]): NewFact[] {
    return facts.flatMap((fact) => {
      if (fact.kind === 'job.planned') return this.hold(fact.job.id, fact) ? [] : [fact];
      const plan = 'jobId' in fact ? this.take(fact.jobId) : undefined;
      const isTold = 'planned' in fact && fact.planned !== undefined;
      return plan && !isTold ? [plan, fact] : [fact];
    });
  }

  /** Tells all. @throws what `tell` throws */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    const plans = [...this.old.values(), ...this.young.values()];
    this.old.clear();
    this.young.clear();
    if (plans.length > 0) await this.tell(plans);
  }

  private hold(id: string, plan: NewFact): boolean {
    if (this.young.size + this.old.size >= MOST_HELD) return false;
    this.young.set(id, plan);
    this.timer ??= setInterval(() => void this.turn(), HOLD_MS).unref();
    return true;
  }

  private take(id: string): NewFact | undefined {
    const plan = this.young.get(id) ?? this.old.get(id);
    this.young.delete(id);
    this.old.delete(id);
    return plan;
  }

  private async turn(): Promise<void> {
    const due = this.old;
    this.old = this.young;
    this.young = new Map();
    if (due.size === 0) {
      if (this.old.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    try {
      await this.tell([...due.values()]);
    } catch {
      for (const [id, plan] of due) this.old.set(id, plan);
    }
  }
}
