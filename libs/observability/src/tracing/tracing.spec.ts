import { assert, property, string, tuple, stringMatching, boolean } from 'fast-check';
import { Counter } from '../metrics/instruments';
import { TopTenants } from '../metrics/top-tenants';
import { RecordedSpan } from './recorded-span';
import { RateSampler } from './sampling';
import { Segment } from './segment';
import { formatTraceparent, newSpanId, newTraceId, parseTraceparent, tracestateOf } from './trace-context';
import { TraceKeeper } from './trace-keeper';

describe('W3C trace context', () => {
  it('reads what it writes', () => {
    const id = (length: number) => stringMatching(new RegExp(`^[0-9a-f]{${length - 1}}[1-9]$`));
    assert(
      property(tuple(id(32), id(16), boolean()), ([traceId, spanId, sampled]) => {
        expect(parseTraceparent(formatTraceparent({ traceId, spanId, sampled }))).toEqual({ traceId, spanId, sampled });
      }),
    );
  });

  it('takes anything without an error, and makes ids that are valid', () => {
    assert(property(string(), (text) => void [parseTraceparent(text), tracestateOf(text)]));
    for (const wrong of ['', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${'a'.repeat(32)}-00f067aa0ba902b7-01`, 7])
      expect(parseTraceparent(wrong)).toBeUndefined();
    expect(parseTraceparent(`00-${newTraceId()}-${newSpanId()}-00`)).toBeDefined();
  });
});

describe('what of a trace is kept', () => {
  const setUp = (slowMs = 1_000) => {
    const sent: string[] = [];
    const keeper = new TraceKeeper((spans) => sent.push(...spans.map(({ name }) => name)));
    const begin = (trace: string, name: string, sampled = false, startedAt = performance.now()) => {
      const segment = new Segment(trace, sampled, undefined, keeper, slowMs);
      return segment.begin(new RecordedSpan(name, 0, segment, undefined, {}, startedAt));
    };
    return { sent, begin };
  };

  it('is nothing when all is well and it is not sampled', () => {
    const { sent, begin } = setUp();
    begin('a', 'request').end();
    begin('a', 'sampled', true).end();
    expect(sent).toEqual(['sampled']);
  });

  it('is all of it once something fails: before, in and after', () => {
    const { sent, begin } = setUp();
    begin('a', 'request').end();
    begin('b', 'other').end();
    const job = begin('a', 'job');
    const child = new RecordedSpan('call', 2, job.segment, job.spanId, {}, performance.now());
    child.fail('call-failed').end();
    expect(job.traceparent).toMatch(/-01$/);
    job.end();
    begin('a', 'later').end();
    expect(sent).toEqual(['request', 'call', 'job', 'later']);
  });

  it('is what was slow', () => {
    const { sent, begin } = setUp(60_000);
    begin('a', 'slow', false, performance.now() - 60_001).end();
    begin('b', 'fast').end();
    expect(sent).toEqual(['slow']);
  });

  it('is so many traces a second, not more', () => {
    let now = 0;
    const sampler = new RateSampler(10, () => now);
    const sampled = () =>
      Array.from({ length: 100 }, () => sampler.shouldSample().decision).filter((one) => Number(one) === 2).length;
    expect(sampled()).toBe(10);
    now = 500;
    expect(sampled()).toBe(5);
  });
});

describe('counts by tenant', () => {
  it('name few of them, lose nothing, and never fall', () => {
    const counter = new Counter({ name: 'test', unit: '1', description: '', labels: ['tenant'] });
    const top = new TopTenants(counter, 2);
    const add = (tenant: string, value: number, now: number) => top.add(value, tenant, now);
    const values = (): Record<string, number> =>
      Object.fromEntries(counter.series().map(({ labels, point }): [string, number] => [labels[0]!, point.value]));
    add('a', 1, 100_000);
    add('b', 1, 100_000);
    add('c', 50, 100_000);
    expect(values()).toEqual({ a: 1, b: 1, other: 50 });
    add('c', 5, 200_000);
    expect(Object.keys(values())).toContain('c');
    expect(Object.values(values()).reduce((sum, one) => sum + one, 0)).toBe(57);
    expect(values()['other']).toBeGreaterThanOrEqual(50);
  });
});
