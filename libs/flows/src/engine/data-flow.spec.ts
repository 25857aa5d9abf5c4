import { standardErrorUri } from '../definition/standard-errors';
import { outputOf, run } from '../testing/flows';

const SCHEMA = '{ schema: { document: { type: object, required: [id] } } }';

describe('the data of a run', () => {
  it('is the input as it is, handed from task to task, and the last output', async () => {
    const body = `
      do:
        - first: { set: { a: "\${ .n + 1 }" } }
        - second: { set: { b: "\${ .a + 1 }" } }`;
    expect(await outputOf(body, { input: { n: 1 } })).toEqual({ b: 3 });
  });

  it("goes through the workflow's input.from, each task's input.from and output.as, and the workflow's output.as", async () => {
    const body = `
      input: { from: .order }
      do:
        - price:
            input: { from: .item }
            set: { total: "\${ .price * 2 }", seen: "\${ . }", input: "\${ $input }" }
            output: { as: "{ total, seen, input }" }
      output: { as: { answer: "\${ .total }", seen: "\${ .seen }", input: "\${ .input }" } }`;
    const item = { price: 4 };
    expect(await outputOf(body, { input: { order: { item } } })).toEqual({ answer: 8, seen: item, input: item });
  });

  it('is exported into the context by export.as, over the shaped output', async () => {
    const body = `
      do:
        - first:
            set: { n: 5 }
            output: { as: .n }
            export: { as: "$context + { first: ., shaped: $output, raw: $task.output }" }
        - second: { set: "\${ $context }" }`;
    expect(await outputOf(body)).toEqual({ first: 5, shaped: 5, raw: { n: 5 } });
  });

  it('may be anything: text, a number, null, a list', async () => {
    for (const input of ['text', 7, null, [1, 2], true]) {
      expect(await outputOf('do: [{ same: { set: "${ . }" } }]', { input })).toEqual(input);
    }
  });

  it('keeps a context that is checked and not replaced when there is a schema without "as"', async () => {
    const body = `
      do:
        - keep: { set: { id: 1 }, export: { as: . } }
        - check: { set: { other: 2 }, export: { schema: { document: { type: object, required: [id] } } } }
        - read: { set: "\${ $context }" }`;
    expect(await outputOf(body)).toEqual({ id: 1 });
  });
});

describe('a step of the data flow that fails', () => {
  const cases: [string, string, string, string][] = [
    ['input.schema of the workflow', `input: ${SCHEMA}\ndo: [{ a: { set: { x: 1 } } }]`, 'validation', ''],
    ['input.from of the workflow', 'input: { from: .n / 0 }\ndo: [{ a: { set: { x: 1 } } }]', 'expression', ''],
    ['if', 'do: [{ a: { if: .n / 0, set: { x: 1 } } }]', 'expression', '/do/0/a'],
    ['input.schema', `do: [{ a: { input: ${SCHEMA}, set: { x: 1 } } }]`, 'validation', '/do/0/a'],
    ['input.from', 'do: [{ a: { input: { from: .n / 0 }, set: { x: 1 } } }]', 'expression', '/do/0/a'],
    ['the task itself', 'do: [{ a: { set: "${ .n / 0 }" } }]', 'expression', '/do/0/a'],
    ['output.as', 'do: [{ a: { set: { x: 1 }, output: { as: .x / 0 } } }]', 'expression', '/do/0/a'],
    ['output.schema', `do: [{ a: { set: { x: 1 }, output: ${SCHEMA} } }]`, 'validation', '/do/0/a'],
    ['export.as', 'do: [{ a: { set: { x: 1 }, export: { as: .x / 0 } } }]', 'expression', '/do/0/a'],
    [
      'export.schema',
      `do: [{ a: { set: { x: 1 }, export: { as: ., schema: { document: { required: [id] } } } } }]`,
      'validation',
      '/do/0/a',
    ],
    ['output.as of the workflow', 'do: [{ a: { set: { x: 1 } } }]\noutput: { as: .x / 0 }', 'expression', ''],
    ['output.schema of the workflow', `do: [{ a: { set: { x: 1 } } }]\noutput: ${SCHEMA}`, 'validation', ''],
  ];

  it.each(cases)('%s', async (_step, body, type, instance) => {
    const { state } = await run(body, { input: { n: 1 } });
    expect(state).toMatchObject({
      status: 'faulted',
      error: { type: standardErrorUri(type as 'validation'), status: 400, instance },
    });
    expect(state.error!.detail).toMatch(/./);
  });

  it('names the task inside lists, branches and handlers by its pointer', async () => {
    const body = `
      do:
        - outer:
            try:
              - both:
                  fork:
                    branches:
                      - good: { set: { x: 1 } }
                      - bad: { set: "\${ error }" }
            catch:
              do:
                - report: { set: "\${ $error }" }`;
    expect(await outputOf(body)).toMatchObject({ instance: '/do/0/outer/try/0/both/fork/branches/1/bad' });
  });

  it('does not change the context when what is exported is not valid', async () => {
    const body = `
      do:
        - try:
            try:
              - bad: { set: { x: 1 }, export: { as: ., schema: { document: { required: [id] } } } }
            catch: {}
        - read: { set: "\${ $context }" }`;
    expect(await outputOf(body)).toEqual({});
  });

  it('does not pass over a schema that is elsewhere, which an advance cannot read', async () => {
    const schema = '{ resource: { endpoint: https://example.com/schema.json } }';
    const { state } = await run(`do: [{ a: { input: { schema: ${schema} }, set: { x: 1 } } }]`, { mistakes: true });
    expect(state.error).toMatchObject({ type: standardErrorUri('configuration'), instance: '/do/0/a' });
  });

  it('calls a schema that is none a configuration error', async () => {
    const { state } = await run('do: [{ a: { input: { schema: { document: { type: 7 } } }, set: { x: 1 } } }]', {
      mistakes: true,
    });
    expect(state.error).toMatchObject({ type: standardErrorUri('configuration') });
  });
});
