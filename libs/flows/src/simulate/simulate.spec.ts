import { anEvent, failure, flowOf, NOON, run } from '../testing/flows';
import { simulate } from './simulate';

const ASK = '{ call: crm.find, with: {} }';

describe('a simulated run', () => {
  it('says what it called, sent and came to, and how long it would have taken', async () => {
    const body = `
      do:
        - ask: ${ASK}
        - pause: { wait: PT1H }
        - tell: { emit: { event: { with: { source: "https://x.example", type: told } } }, output: { as: .type } }`;
    const { state, calls, emitted, tookMs, happenings } = await run(body, { takesMs: () => 5_000 });
    expect(state).toMatchObject({ status: 'completed', output: 'told' });
    expect([calls.length, emitted.length, tookMs]).toEqual([1, 1, 3_605_000]);
    expect(happenings.at(-1)).toMatchObject({ what: 'completed', at: NOON + 3_605_000 });
  });

  it('brings answers in the order in which they come, and stops where one never does', async () => {
    const body = `do: [{ race: { fork: { compete: true, branches: [{ slow: ${ASK} }, { fast: ${ASK} }] } } }]`;
    const answers = { slow: 'slow', fast: 'fast' };
    const takesMs = (command: { path: string }) => (command.path.endsWith('slow') ? 2_000 : 1_000);
    expect((await run(body, { answers, takesMs })).state.output).toBe('fast');
    const never = await run(`do: [{ ask: ${ASK} }]`, { takesMs: () => Infinity });
    expect([never.state.status, never.tookMs]).toEqual(['running', 0]);
  });

  it('keeps events until the run listens, and lets time pass when there are none', async () => {
    const body = `
      do:
        - pause: { wait: PT1M }
        - hear: { listen: { to: { any: [] } }, timeout: { after: PT1H } }`;
    const heard = await run(body, { events: [anEvent('x', 1)] });
    expect([heard.state.output, heard.tookMs]).toEqual([[1], 60_000]);
    expect((await run(body)).state.error).toMatchObject({ status: 408 });
    expect((await run('do: [{ hear: { listen: { to: { any: [] } } } }]')).state.status).toBe('waiting');
  });

  it('does not ask for what is called off in the same step, nor wait for what is called off later', async () => {
    const race = `do: [{ race: { fork: { compete: true, branches: [{ ask: ${ASK} }, { now: { set: { n: 1 } } }] } } }]`;
    expect((await run(race)).calls).toEqual([]);
    const body = `
      do:
        - guard: { try: [{ ask: { call: crm.find, with: {}, timeout: { after: PT1S } } }], catch: {} }
        - hear: { listen: { to: { any: [] } } }`;
    const { state, tookMs } = await run(body, { takesMs: () => 3_600_000 });
    expect([state.status, tookMs]).toEqual(['waiting', 1_000]);
  });

  it('does not take a mistake of the world for a failure of a call', async () => {
    const flow = flowOf(`do: [{ ask: ${ASK} }]`);
    const broken = { call: () => Promise.reject(new TypeError('a mistake')) };
    await expect(simulate(flow, {}, broken)).rejects.toThrow('a mistake');
    const down = await run(`do: [{ ask: ${ASK} }]`, { answers: { ask: failure('communication', 503) } });
    expect(down.state.status).toBe('faulted');
  });
});
