import type { Config } from '@spillway/config';
import { ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

/** Traces that a process begins to sample in a second, unless it is told otherwise. */
const TRACES_PER_SECOND = 10;

/** So many traces a second, the first ones: a quiet installation sees every trace, a busy one pays for a few. */
export class RateSampler implements Sampler {
  private tokens: number;
  private at: number;

  constructor(
    private readonly perSecond: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.tokens = Math.max(1, perSecond);
    this.at = now();
  }

  shouldSample() {
    const now = this.now();
    const most = Math.max(1, this.perSecond);
    this.tokens = Math.min(most, this.tokens + ((now - this.at) / 1_000) * this.perSecond);
    this.at = now;
    if (this.tokens < 1) return { decision: SamplingDecision.RECORD };
    this.tokens -= 1;
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  }

  toString(): string {
    return `RateSampler{${this.perSecond}/s}`;
  }
}

/** Whether a trace is sampled from its start: `OTEL_TRACES_SAMPLER`, which knows one word more than the standard has. */
export class Sampling {
  private readonly sampler: Sampler;
  private readonly isParentBased: boolean;

  constructor({ name, argument }: Config['telemetry']['sampler']) {
    this.isParentBased = name.startsWith('parentbased_');
    this.sampler = this.isParentBased
      ? new ParentBasedSampler({ root: rootSampler(name.slice('parentbased_'.length), argument) })
      : rootSampler(name, argument);
  }

  /** @param parent of our own: another's says nothing */
  isSampled(traceId: string, name: string, parent: SpanContext | undefined): boolean {
    // As that sampler would say, without what it needs to be asked: every job has a parent.
    if (parent && this.isParentBased) return (parent.traceFlags & 1) === 1;
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const { decision } = this.sampler.shouldSample(context, traceId, name, 0, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }
}

function rootSampler(name: string, argument: number | undefined): Sampler {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(argument ?? 1);
    default:
      return new RateSampler(argument ?? TRACES_PER_SECOND);
  }
}
