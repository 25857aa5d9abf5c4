import { RateLimitedError, SpillwayError, TransientError } from '@spillway/contracts';
import {
  bulkhead,
  BulkheadRejectedError,
  type BulkheadPolicy,
  CircuitState,
  CountBreaker,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
} from 'cockatiel';
import { type Invocation, prepare } from '../invoke';
import type { Resolved } from '../registry';
import { limitsOf } from './allowances';
import type { SharedLimits } from './shared-limits';

export interface ResilienceOptions {
  /** Of one call, milliseconds. Below the queue's own timeout, so that the error says what was slow. */
  timeoutMs: number;
  /** Calls of one tenant to one system at the same time, in this process. */
  concurrency: number;
  breaker: {
    /** Of the last so many calls in this process … */
    size: number;
    /** … of at least so many … */
    atLeast: number;
    /** … more than this share failed: the circuit opens, for all workers. */
    share: number;
    openMs: number;
    mostOpenMs: number;
  };
}

export const RESILIENCE: ResilienceOptions = {
  timeoutMs: 15_000,
  concurrency: 20,
  breaker: { size: 20, atLeast: 5, share: 0.5, openMs: 10_000, mostOpenMs: 300_000 },
};

export interface GuardedCall extends Omit<Invocation, 'options'> {
  tenant: string;
  target: Resolved;
  /** The capability's name. */
  capability: string;
}

/** What this process keeps for one tenant and one binding. */
interface Local {
  bulkhead: BulkheadPolicy;
  breaker: CountBreaker;
}

/** Errors that say nothing about the other side: it was not asked. */
const NOT_ASKED = new Set(['secret-missing', 'sender-missing', 'call-invalid']);
const MOST_LOCALS = 10_000;
/** One that found no place in this process looks again about then, milliseconds. */
const BUSY_MS = 500;

/**
 * Calls capabilities so that a slow or broken system harms nobody else: a bulkhead and a timeout in this process, an
 * allowance and a circuit breaker for all workers together. What cannot be done now is answered at once with the time
 * after which it can, and never waited for: the queue delays the job, and the worker does other work.
 */
export class AdapterCaller {
  private readonly locals = new Map<string, Local>();

  constructor(
    private readonly limits: SharedLimits,
    private readonly options: ResilienceOptions = RESILIENCE,
  ) {}

  /**
   * @throws RateLimitedError `too-many-at-once` (this process), `rate-limited` (our allowance, or theirs), each with the
   * time to wait
   * @throws TransientError `circuit-open` with the time to wait, `call-timeout`, and what the adapter throws
   */
  async call(given: GuardedCall): Promise<unknown> {
    const gate = gateKey(given.tenant, given.target.name);
    const local = this.localOf(gate, given.target);
    try {
      return await local.bulkhead.execute(() => this.within(gate, local, given));
    } catch (cause) {
      if (!(cause instanceof BulkheadRejectedError)) throw cause;
      throw new RateLimitedError(`as many calls of "${given.target.name}" as may be are under way in this process`, {
        code: 'too-many-at-once',
        retryAfterMs: spread(BUSY_MS),
        details: { gate },
        cause,
      });
    }
  }

  private async within(gate: string, local: Local, given: GuardedCall): Promise<unknown> {
    const { adapter, binding, name } = given.target;
    const prepared = prepare(adapter, given.capability, { options: binding.options, parameters: given.parameters });
    const timeoutMs = binding.timeoutMs ?? this.options.timeoutMs;
    // The gate first: what may not be called must not use up its allowance.
    const passage = await this.limits.pass(gate, timeoutMs + 1_000);
    if (!passage.go) throw this.refusal(gate, local, passage, given);
    for (const { key, rate } of limitsOf(gate, adapter, binding, given.capability, given.parameters)) {
      const waitMs = await this.limits.take(key, rate);
      if (waitMs === 0) continue;
      if (passage.probe) await this.limits.release(gate);
      throw new RateLimitedError(`"${name}" is called as often as ${adapter.title} allows`, {
        code: 'rate-limited',
        retryAfterMs: waitMs,
        details: { limit: key, ...rate },
      });
    }
    try {
      const result = await this.timed(timeoutMs, prepared, given);
      await this.succeeded(gate, local, passage.probe);
      return result;
    } catch (cause) {
      await this.failed(gate, local, passage.probe, cause);
      throw cause;
    }
  }

  private refusal(
    gate: string,
    local: Local,
    { why, waitMs, reason }: { why: 'blocked' | 'open'; waitMs: number; reason?: string },
    { target }: GuardedCall,
  ): SpillwayError {
    const details = { gate, reason };
    const retryAfterMs = spread(waitMs);
    if (why === 'blocked') {
      const message = `${target.adapter.title} asked not to be called for now`;
      return new RateLimitedError(message, { code: 'rate-limited', retryAfterMs, details });
    }
    // What was counted before it opened is not to open it again at once when it is closed.
    local.breaker = this.newBreaker();
    return new TransientError(
      `"${target.name}" failed too often and is left alone for now${reason ? `: ${reason}` : ''}`,
      {
        code: 'circuit-open',
        remedy: `Look at the failures of ${target.adapter.title}; one call will try again by itself.`,
        retryAfterMs,
        details,
      },
    );
  }

  /** @throws TransientError `call-timeout`; the signal of the call is aborted with it */
  private async timed(
    timeoutMs: number,
    prepared: ReturnType<typeof prepare>,
    { target: { adapter }, ...context }: GuardedCall,
  ): Promise<unknown> {
    try {
      return await timeout(timeoutMs, TimeoutStrategy.Aggressive).execute(
        ({ signal }) => prepared({ ...context, signal }),
        context.signal,
      );
    } catch (cause) {
      if (!(cause instanceof TaskCancelledError)) throw cause;
      if (context.signal.aborted) {
        throw new TransientError(`the call of ${adapter.title} was given up`, { code: 'call-aborted', cause });
      }
      throw new TransientError(`${adapter.title} did not answer within ${timeoutMs} ms`, {
        code: 'call-timeout',
        cause,
      });
    }
  }

  private async succeeded(gate: string, local: Local, probe: boolean): Promise<void> {
    local.breaker.success(CircuitState.Closed);
    // The call has happened: that the store is away now must not make it fail and happen again.
    if (probe) await this.limits.close(gate).catch(() => undefined);
  }

  private async failed(gate: string, local: Local, probe: boolean, cause: unknown): Promise<void> {
    const kind = cause instanceof SpillwayError ? cause : undefined;
    if (kind?.class === 'rate-limited') {
      // It answers, so it works; but nobody is to ask before the time is over.
      await this.limits.block(gate, kind.retryAfterMs ?? BUSY_MS, kind.message).catch(() => undefined);
      if (probe) await this.limits.close(gate).catch(() => undefined);
    } else if (kind?.class === 'transient' && kind.code !== 'call-aborted') {
      const opens = local.breaker.failure(CircuitState.Closed);
      if (!probe && !opens) return;
      local.breaker = this.newBreaker();
      const { openMs, mostOpenMs } = this.options.breaker;
      const opening = { forMs: openMs, mostMs: mostOpenMs, reason: kind.message };
      await this.limits.open(gate, opening, probe).catch(() => undefined);
    } else if (probe) {
      // Refused for good is answered; what never got there leaves the question open for the next call.
      const answered = kind?.class === 'permanent' && !NOT_ASKED.has(kind.code);
      await (answered ? this.limits.close(gate) : this.limits.release(gate)).catch(() => undefined);
    }
  }

  private localOf(gate: string, { binding }: Resolved): Local {
    const concurrency = binding.concurrency ?? this.options.concurrency;
    const key = `${gate}#${concurrency}`;
    let local = this.locals.get(key);
    if (!local) {
      if (this.locals.size >= MOST_LOCALS) this.forgetIdle();
      local = { bulkhead: bulkhead(concurrency, 0), breaker: this.newBreaker() };
      this.locals.set(key, local);
    }
    return local;
  }

  private newBreaker(): CountBreaker {
    const { size, atLeast, share } = this.options.breaker;
    return new CountBreaker({ threshold: share, size, minimumNumberOfCalls: atLeast });
  }

  private forgetIdle(): void {
    for (const [
      key,
      {
        bulkhead: { executionSlots },
      },
    ] of this.locals) {
      if (executionSlots === Number(key.slice(key.lastIndexOf('#') + 1))) this.locals.delete(key);
    }
  }
}

/** The key of a gate: one binding of one tenant. Tenants' and bindings' names have no slash. */
export function gateKey(tenant: string, binding: string): string {
  return `${tenant}/${binding}`;
}

/** Up to a tenth longer, at most a second, so that those who were told the same time do not come back as one. */
function spread(ms: number): number {
  return Math.ceil(ms + Math.random() * Math.min(1_000, ms / 10));
}
