import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { lintFlow } from '../definition/lint';
import { parseFlowTest } from './flow-test';
import { runFlowTests } from './run-flow-tests';

const TEXT = readFileSync(join(__dirname, '../../../../docs/flows/dialect.md'), 'utf8');
const HEAD = { document: { dsl: '1.0.3', namespace: 'docs', name: 'example', version: '1.0.0' } };

/** Flows of the page, each with the cases that follow it, named after the heading they stand under. */
const examples = readExamples();

describe('docs/flows/dialect.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(9);
    expect(examples.filter(({ cases }) => cases).length).toBeGreaterThan(7);
  });

  it.each(examples.map((example) => [example.heading, example] as const))('%s', async (_heading, { flow, cases }) => {
    const definition = { ...HEAD, ...(parse(flow) as object) };
    expect(errorsOf(definition)).toEqual([]);
    if (cases === undefined) return;
    const test = { apiVersion: 'spillway/v1', kind: 'FlowTest', metadata: { name: 'docs' } };
    const spec = { flow: 'example', cases: parse(cases) as unknown };
    const results = await runFlowTests(JSON.stringify({ ...test, spec }), () => Promise.resolve(definition));
    expect(results.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))).toEqual([]);
  });

  it.each([
    'run: { container: { image: a } }',
    'run: { shell: { command: a } }',
    'run: { script: { language: python, code: "1" } }',
    'call: a2a\nwith: { method: message/send, server: { endpoint: "https://x.example" } }',
    'wait: P1M',
  ])('tells the truth about what the linter refuses: %s', (task) => {
    expect(errorsOf({ ...HEAD, do: [{ refused: parse(task) as object }] })).not.toEqual([]);
  });

  it('tells the truth about catch.then and evaluate', () => {
    const tried = { try: [{ a: { set: { n: 1 } } }], catch: { then: 'end' } };
    expect(lintFlow({ ...HEAD, do: [{ tried }] })).toEqual([]);
    const loose = { ...HEAD, evaluate: { mode: 'loose' }, do: [{ a: { set: { n: 1 } } }] };
    expect(errorsOf(loose)).not.toEqual([]);
  });

  it('shows a test that is one', () => {
    const [, text] = /```yaml test\n([\s\S]*?)```/.exec(TEXT)!;
    expect(parseFlowTest(text!).spec.cases).toHaveLength(1);
  });
});

function errorsOf(definition: object): string[] {
  return lintFlow(definition).flatMap(({ severity, message }) => (severity === 'error' ? [message] : []));
}

function readExamples(): { heading: string; flow: string; cases?: string }[] {
  const found: { heading: string; flow: string; cases?: string }[] = [];
  let heading = '';
  for (const [, title, kind, body] of TEXT.matchAll(/^#+ (.+)$|^```yaml (flow|cases)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (kind === 'flow') found.push({ heading, flow: body! });
    else found.at(-1)!.cases = body;
  }
  return found;
}
