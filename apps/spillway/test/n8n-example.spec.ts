import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { resourceSchema } from '@spillway/contracts';
import { lintResource } from '@spillway/runtime';
import { Webhook } from 'standardwebhooks';
import { parseAllDocuments } from 'yaml';

const FOLDER = join(__dirname, '..', '..', '..', 'docs', 'examples', 'n8n');

interface Workflow {
  nodes: { name: string; parameters: { jsCode?: string } }[];
  connections: Record<string, { main: { node: string }[][] }>;
}

const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Workflow;

it('has documents that apply', () => {
  const documents = parseAllDocuments(readFileSync(join(FOLDER, 'delegate.yaml'), 'utf8'));
  const resources = documents.map((document) => resourceSchema.parse(document.toJS()));
  expect(resources.map(({ kind }) => kind)).toEqual(['Adapter', 'Route', 'Flow']);
  expect(resources.flatMap((resource) => lintResource(resource))).toEqual([]);
});

it.each(['onboarding.json', 'start-flow.json'])('has a workflow whose nodes are connected in a line: %s', (file) => {
  const { nodes, connections } = read(file);
  const names = nodes.map(({ name }) => name);
  const next = names.slice(0, -1).map((name) => connections[name]?.main[0]?.[0]?.node);
  expect(next).toEqual(names.slice(1));
});

/** Runs the code of a node as n8n does: `$input` and `$env` at hand. */
function runNode(name: string, json: unknown, staticData: object = {}): unknown[] {
  const { jsCode } = read('onboarding.json').nodes.find((node) => node.name === name)!.parameters;
  const names = ['require', '$input', '$env', '$getWorkflowStaticData'];
  const run = compileFunction(jsCode!, names) as (...args: unknown[]) => unknown[];
  const input = { first: () => ({ json }), all: () => [{ json }] };
  return run(createRequire(__filename), input, { SPILLWAY_SECRET: 'n8n-secret' }, () => staticData);
}

it('has a workflow that checks the signature as Spillway makes it', () => {
  const body = { input: { customer: 'cus_1' }, callbackUrl: 'https://x.example/v1/callbacks/r/1', idempotencyKey: 'k' };
  const signer = new Webhook(Buffer.from('n8n-secret').toString('base64'));
  const now = new Date();
  const headers = {
    'webhook-id': 'k',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': signer.sign('k', now, JSON.stringify(body)),
  };
  expect(runNode('Check signature', { headers, body })).toEqual([{ json: { ...body, id: 'k' } }]);
  expect(() => runNode('Check signature', { headers, body: { ...body, input: {} } })).toThrow('does not hold');
});

it('does the same work once', () => {
  const staticData = {};
  expect(runNode('Seen before?', { idempotencyKey: 'a' }, staticData)).toHaveLength(1);
  expect(runNode('Seen before?', { idempotencyKey: 'a' }, staticData)).toHaveLength(0);
});
