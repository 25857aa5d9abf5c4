import { Machine, run } from '../testing/flows';

describe('a run of very many tasks that wait for nothing', () => {
  const body = (count: number) =>
    `do: [{ loop: { for: { in: "[range(${count})]" }, do: [{ add: { set: { n: "\${ (.n // 0) + 1 }" } } }] } }]`;

  it('is carried over to further advances, so that it holds no worker', () => {
    const machine = new Machine(body(5_000));
    expect(machine.state.status).toBe('running');
    expect(machine.wakeAt).toBe(machine.now);
    let advances = 1;
    for (; machine.wakeAt !== undefined; advances += 1) machine.give();
    expect(machine.state).toMatchObject({ status: 'completed', output: { n: 5_000 } });
    expect(advances).toBeGreaterThan(5);
  });

  it('takes what comes in between', () => {
    const machine = new Machine(body(5_000));
    machine.give({ kind: 'cancel' });
    expect(machine.state.status).toBe('cancelled');
  });

  it('keeps a state that does not grow with what is done', () => {
    const machine = new Machine(
      `do: [{ a: { set: { n: "\${ (.n // 0) + 1 }" } } }, { b: { switch: [{ again: { when: .n < 9000, then: a } }] } }]`,
    );
    const sizes = new Set<number>();
    for (; machine.wakeAt !== undefined; machine.give()) sizes.add(JSON.stringify(machine.state).length);
    expect(machine.state.output).toEqual({ n: 9_000 });
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(20);
  });

  it('is stopped by the simulation when it goes round for ever', async () => {
    const circle = 'do: [{ a: { set: { n: 1 } } }, { b: { set: { n: 2 }, then: a } }]';
    await expect(run(circle)).rejects.toThrow('does it go round in circles?');
    const waiting = 'do: [{ a: { wait: PT1S } }, { b: { set: { n: 2 }, then: a } }]';
    await expect(run(waiting)).rejects.toThrow(RangeError);
  });
});
