import { NOON, outputOf, run } from '../testing/flows';

const noon = { iso8601: '2026-01-15T12:00:00.000Z', epoch: { seconds: NOON / 1_000, milliseconds: NOON } };

describe('arguments of expressions', () => {
  it('$workflow is the run: id, definition, raw input, start', async () => {
    const body = `
      input: { from: .n }
      do: [{ read: { set: { w: "\${ $workflow | { id, input, startedAt, name: .definition.document.name } }" } } }]`;
    expect(await outputOf(body, { input: { n: 1 }, runId: 'r-1' })).toEqual({
      w: { id: 'r-1', input: { n: 1 }, startedAt: noon, name: 'flow' },
    });
  });

  it('$task is the task: name, reference, definition, raw input, start, and its raw output once it has one', async () => {
    const body = `
      do:
        - read:
            input: { from: .n }
            set: { task: "\${ $task }" }
            output: { as: ".task + { after: $task.output.task.name }" }`;
    expect(await outputOf(body, { input: { n: 1 } })).toMatchObject({
      name: 'read',
      reference: '/do/0/read',
      definition: { input: { from: '.n' } },
      input: { n: 1 },
      output: null,
      startedAt: noon,
      after: 'read',
    });
  });

  it('$runtime says who runs it', async () => {
    expect(await outputOf('do: [{ a: { set: { by: "${ $runtime.name }" } } }]')).toEqual({ by: 'spillway' });
  });

  it('$context is empty at first', async () => {
    expect(await outputOf('do: [{ a: { set: "${ $context }" } }]', { input: { n: 1 } })).toEqual({});
  });

  it('$input is the transformed input, and in "if" the raw one', async () => {
    const body = `
      do:
        - a: { if: $input.n == 1, input: { from: .n }, set: { got: "\${ $input }" } }`;
    expect(await outputOf(body, { input: { n: 1 } })).toEqual({ got: 1 });
  });

  it('$secrets never hold a secret here: a call that names one goes out as it was written, with what it needs', async () => {
    const body = `
      use: { secrets: [key] }
      do:
        - loop:
            for: { in: .list }
            do:
              - charge: { call: http, with: { method: get, endpoint: "https://x.example/{id}", headers: { key: "\${ $secrets.key }" } } }`;
    const { calls } = await run(body, { input: { list: ['a'] } });
    expect(calls).toMatchObject([{ with: { headers: { key: '${ $secrets.key }' } } }]);
    expect(calls[0]!.variables).toMatchObject({ item: 'a', index: 0, context: {}, task: { name: 'charge' } });
    expect(calls[0]!.variables).not.toHaveProperty('secrets');
    expect(calls[0]!.variables!['workflow']).not.toHaveProperty('definition');
  });

  it('variables of inner loops hide those of outer ones', async () => {
    const body = `
      do:
        - outer:
            for: { in: "[1, 2]", each: x }
            do:
              - inner:
                  for: { in: "[10, 20]", each: x, at: i }
                  do:
                    - add: { set: { sum: "\${ (.sum // 0) + $x + $i + $index * 100 }" } }`;
    expect(await outputOf(body)).toEqual({ sum: 10 + 21 + 110 + 121 });
  });
});
