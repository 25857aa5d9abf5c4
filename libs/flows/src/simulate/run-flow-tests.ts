import { PermanentError } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import { shown } from '../definition/json';
import { lintFlow, type LintOptions } from '../definition/lint';
import type { FlowDefinition } from '../definition/model';
import { didYouMean } from '../definition/nearest';
import { parseFlow } from '../definition/parse';
import { sitesOf } from '../definition/sites';
import { standardErrorOf, standardErrorUri } from '../definition/standard-errors';
import { CompiledFlow } from '../engine/compiled-flow';
import type { FlowError, RunState } from '../engine/state';
import { differences } from './differences';
import { type FlowTestCase, parseFlowTest } from './flow-test';
import { ScriptedWorld } from './scripted-world';
import { simulate, type Simulated } from './simulate';

export interface CaseResult {
  name: string;
  passed: boolean;
  /** What is not as expected, one line each. */
  problems: string[];
}

/**
 * Runs the tests of a flow: each case is a simulated run, in a world that answers as the case says, without queues,
 * database, network or waiting. A case that calls what it has no answer for fails and says so.
 *
 * @param text YAML: `kind: FlowTest`
 * @param loadFlow gives the flow that `spec.flow` names: its text, or one that was read already
 * @throws PermanentError `flow-test-invalid`; `flow-invalid` with what the linter has to say; what `loadFlow` throws
 * @example
 * const text = `
 *   apiVersion: spillway/v1
 *   kind: FlowTest
 *   metadata: { name: refunds }
 *   spec:
 *     flow: refund.yaml
 *     cases:
 *       - name: tries again when the bank is down
 *         input: { order: 7 }
 *         answers:
 *           - { task: pay, error: { type: communication, status: 503 }, times: 1 }
 *           - { task: pay, output: { paid: true } }
 *         expect: { output: { paid: true }, calls: [pay, pay], tookAtLeast: PT3S }`;
 * await runFlowTests(text, (file) => readFile(join(folder, file), 'utf8'));
 */
export async function runFlowTests(
  text: string,
  loadFlow: (flow: string) => Promise<string | object>,
  options: LintOptions = {},
): Promise<CaseResult[]> {
  const { spec } = parseFlowTest(text);
  const { definition } = parseFlow(await loadFlow(spec.flow));
  const errors = lintFlow(definition, options).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    const message = errors.map((error) => `${spec.flow}: ${error.message}`).join('\n');
    throw new PermanentError(message, { code: 'flow-invalid', status: 400, remedy: errors[0]!.remedy });
  }
  const flow = new CompiledFlow(definition);
  const results: CaseResult[] = [];
  for (const one of spec.cases) {
    const problems = [...unknownTasks(one, definition), ...(await problemsOf(one, flow))];
    results.push({ name: one.name, passed: problems.length === 0, problems });
  }
  return results;
}

async function problemsOf(one: FlowTestCase, flow: CompiledFlow): Promise<string[]> {
  const world = new ScriptedWorld(one);
  try {
    return compare(one, await simulate(flow, one.input, world), world.called);
  } catch (error) {
    if (error instanceof PermanentError) return [[error.message, error.remedy].filter(Boolean).join('. ')];
    if (error instanceof RangeError) return [error.message];
    throw error;
  }
}

function compare({ expect }: FlowTestCase, { state, emitted, tookMs }: Simulated, called: string[]): string[] {
  const status = expect.status ?? (expect.error ? 'faulted' : 'completed');
  if (state.status !== status) return [`status: expected ${status}, received ${ending(state)}`];
  const problems: string[] = [];
  if (expect.output !== undefined) problems.push(...differences('output', expect.output, state.output));
  if (expect.error) problems.push(...compareErrors(expect.error, state.error));
  if (expect.emitted) problems.push(...differences('emitted', expect.emitted, emitted, true));
  if (expect.calls) problems.push(...compareCalls(expect.calls, called));
  if (expect.tookAtLeast !== undefined && tookMs < expect.tookAtLeast) {
    problems.push(`tookAtLeast: expected ${expect.tookAtLeast} ms, received ${tookMs} ms`);
  }
  return problems;
}

function ending({ status, error }: RunState): string {
  if (!error) return status;
  const { type, status: code, detail, instance } = error;
  return `${status}: ${[type, code, detail && shown(detail)].filter(Boolean).join(' ')} at ${instance || 'the workflow'}`;
}

/** Types of the same error of the language are the same, in whichever family of URIs they are written. */
function compareErrors(expected: Partial<FlowError>, received: FlowError | undefined): string[] {
  const plain = (error: Partial<FlowError>): Json => {
    const name = error.type === undefined ? undefined : standardErrorOf(error.type);
    return { ...error, ...(name && { type: standardErrorUri(name) }) };
  };
  return differences('error', plain(expected), received && plain(received), true);
}

function compareCalls(expected: string[], received: string[]): string[] {
  if (expected.join('\n') === received.join('\n')) return [];
  return [`calls: expected ${list(expected)}, received ${list(received)}`];
}

const list = (names: string[]) => (names.length === 0 ? 'none' : names.join(', '));

/** Answers that no task can ask for: a name that is mistyped would else go unnoticed. */
function unknownTasks({ answers }: FlowTestCase, definition: FlowDefinition): string[] {
  const { tasks } = sitesOf(definition);
  const names = tasks.map(({ name }) => name);
  const workflows = tasks.flatMap(({ task }) => {
    const { workflow } = (task['run'] ?? {}) as { workflow?: { namespace: string; name: string } };
    return workflow ? [`${workflow.namespace}/${workflow.name}`] : [];
  });
  const others = tasks.flatMap(({ path, task }) => [path, ...(typeof task['call'] === 'string' ? [task['call']] : [])]);
  const known = new Set([...names, ...workflows, ...others, 'script']);
  return answers
    .filter(({ task }) => !known.has(task))
    .map(({ task }) => `answers: the flow has no task "${task}"${didYouMean(task, new Set(names))}`);
}
