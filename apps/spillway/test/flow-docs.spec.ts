import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFlowTests } from '@spillway/flows';
import { eventually, ThirdParty } from '@spillway/testing';
import { parse, stringify } from 'yaml';
import { demoResources } from '../src/demo/demo';
import { readDocuments } from '../src/documents';
import { readFlow } from '../src/flows/flow-files';
import { commandLine } from './flows/command-line';
import { Stack } from './stack';

const PAGE = join(__dirname, '../../../docs/flows/README.md');
const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/^```(\w+) ?(\S*)\n([^]*?)^```$/gm)].map(
  ([, language, name, text]) => ({ language: language!, name: name!, text: text! }),
);
const HEAD = { dsl: '1.0.3', namespace: 'docs', name: 'example', version: '1.0.0' };

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spillway-docs-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('docs/flows/README.md', () => {
  const flows = blocks.flatMap(({ name, text }, index) =>
    name === 'flow' ? [{ flow: text, cases: blocks[index + 1]! }] : [],
  );

  it('has flows, files and commands, and nothing else', () => {
    expect(flows).toHaveLength(5);
    expect(new Set(blocks.map(({ language, name }) => `${language} ${name}`.trim()))).toEqual(
      new Set(['yaml first.yaml', 'sh', 'yaml flow', 'yaml cases', 'yaml adapter.yaml', 'yaml first.test.yaml']),
    );
  });

  it.each(flows.map((one, index) => [index + 1, one] as const))('flow %i does what it says', async (index, one) => {
    expect(one.cases.name).toBe('cases');
    const file = join(directory, `flow-${index}.yaml`);
    writeFileSync(file, stringify({ document: HEAD, ...(parse(one.flow) as object) }));
    const { definition } = await readFlow(file);
    const test = { apiVersion: 'spillway/v1', kind: 'FlowTest', metadata: { name: 'docs' } };
    const spec = { flow: 'example', cases: parse(one.cases.text) as unknown };
    const results = await runFlowTests(stringify({ ...test, spec }), () => Promise.resolve(definition));
    expect(results.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))).toEqual([]);
  });

  it('shows an adapter that can be applied', async () => {
    const file = join(directory, 'adapter.yaml');
    writeFileSync(file, blocks.find(({ name }) => name === 'adapter.yaml')!.text);
    expect(await readDocuments([file], {})).toHaveLength(1);
  });

  it('has commands that do what it says, in this order', async () => {
    const other = await ThirdParty.start();
    // A call that failed is tried again so late that the orders find the run under way.
    const slow = { 'integration-tasks': { backoffMs: 60_000, maxBackoffMs: 60_000 } };
    const stack = await Stack.start('postgres', { SPILLWAY_QUEUES: JSON.stringify(slow) });
    const spillway = commandLine(() => ({
      directory,
      environment: stack.environment,
    }));
    try {
      await demoTenant(stack);
      for (const { name, text } of blocks.filter((block) => block.name.startsWith('first.')))
        writeFileSync(join(directory, name), text.replace('http://localhost:4000', other.url));
      other.answer = () => ({ status: 400 });
      const did: string[] = [];
      for (const line of blocks
        .filter(({ language }) => language === 'sh')
        .flatMap(({ text }) => text.trim().split('\n'))) {
        if (line.includes('RUN') || line.includes('runs list')) await prepare(line.split(' ')[2]!);
        const args = [...line.replace('RUN', await runId()).matchAll(/"([^"]*)"|\S+/g)].map(
          ([all, quoted]) => quoted ?? all,
        );
        expect(args.shift()).toBe('spillway');
        const { code, err, out } = await spillway(args);
        expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
        did.push(`${args.slice(0, 2).join(' ')}: ${out.split('\n')[0]}`);
      }
      expect(did).toEqual([
        'flows validate: 1 flow, 0 errors, 0 warnings',
        'apply -f: + Route demo/new-issues created',
        expect.stringMatching(/^send --provider: 202 issues\.opened /),
        expect.stringMatching(/^runs list: /),
        expect.stringMatching(/^runs list: .* faulted {3}demo\/triage /),
        'runs show: triage  faulted',
        'runs graph: flowchart TD',
        ...['retry', 'suspend', 'resume', 'cancel'].map(
          (order) => expect.stringContaining(`runs ${order}: ${order} was`) as string,
        ),
        expect.stringContaining('.r1 goes on from /do/1/ticket'),
        'flows test: first.test.yaml',
        'flows graph: flowchart TD',
        expect.stringMatching(/^flows replay: /),
        'flows replay: {',
      ]);
    } finally {
      await stack.close();
      await other.close();
    }

    async function runId(): Promise<string> {
      const { runs } = await stack.client.get<{ runs: { id: string }[] }>('/runs');
      return runs[0]?.id ?? 'none';
    }

    /** The reader waits until the run is as the page says. */
    async function prepare(order: string): Promise<void> {
      const status =
        order === 'suspend' || order === 'cancel'
          ? ['running', 'waiting']
          : order === 'resume'
            ? ['suspended']
            : order === 'restart'
              ? ['cancelled']
              : ['faulted'];
      if (order === 'retry') other.answer = () => ({ status: 503 });
      await eventually(async () => {
        const { runs } = await stack.client.get<{ runs: { status: string }[] }>('/runs');
        return runs[0] && status.includes(runs[0].status);
      });
    }
  }, 120_000);
});

/** As `npm start` makes it, as far as the page needs it. */
async function demoTenant(stack: Stack): Promise<void> {
  const documents = demoResources('http://127.0.0.1:1').filter(({ kind }) => kind === 'Tenant' || kind === 'Source');
  await stack.client.post('/apply', { documents });
}
