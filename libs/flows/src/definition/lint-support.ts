import { parse } from 'acorn';
import { at, isFields, shown } from './json';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import type { Sites, TaskSite } from './sites';

/** What the language has and Spillway does not run, said when a flow is written and not when it runs. */
export function lintSupport(definition: unknown, { tasks }: Sites): Problem[] {
  return [...lintVersion(definition), ...lintEvaluation(definition), ...tasks.flatMap(lintTask)];
}

function lintVersion(definition: unknown): Problem[] {
  const version = at(definition, 'document', 'dsl');
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+/.test(version) || /^1\.0\.\d+(?:[-+].*)?$/.test(version))
    return [];
  const message = `the flow is written in version ${version} of the language; Spillway runs 1.0`;
  return [errorAt('/document/dsl', message, 'Write it in 1.0.3, and "dsl: 1.0.3".')];
}

/** `evaluate` is in the reference of the language and not in its schema. */
function lintEvaluation(definition: unknown): Problem[] {
  return [
    ['language', 'jq'],
    ['mode', 'strict'],
  ].flatMap(([key, only]) => {
    const value = at(definition, 'evaluate', key!);
    if (value === undefined || value === only) return [];
    const here = pointerTo('/evaluate', key!);
    return [errorAt(here, `${placeOf(here)} is ${shown(value)}; Spillway knows "${only}" only`, `Write "${only}".`)];
  });
}

function lintTask({ task, path }: TaskSite): Problem[] {
  const refuse = (keys: string[], why: string, remedy: string) => {
    const here = pointerTo(path, ...keys);
    return errorAt(here, `${placeOf(here)} is not run by Spillway: ${why}`, remedy);
  };
  const problems: Problem[] = [];
  if (isFields(at(task, 'run', 'container'))) {
    const remedy = 'Run the image as a service of its own and use "call: http", or write an adapter and call that.';
    problems.push(refuse(['run', 'container'], 'workers start no containers', remedy));
  }
  if (isFields(at(task, 'run', 'shell'))) {
    const remedy = 'Use "run: script" with JavaScript, "call: http", or write an adapter and call that.';
    problems.push(refuse(['run', 'shell'], 'workers start no shells', remedy));
  }
  const language = at(task, 'run', 'script', 'language');
  if (typeof language === 'string' && !['js', 'javascript'].includes(language)) {
    const why = `its language is ${JSON.stringify(language)}`;
    problems.push(refuse(['run', 'script'], why, 'Write the script in JavaScript ("language: javascript").'));
  }
  const code = at(task, 'run', 'script', 'code');
  if (typeof code === 'string' && problems.length === 0)
    problems.push(...lintScript(code, pointerTo(path, 'run', 'script', 'code')));
  if (task['call'] === 'a2a') {
    const remedy = 'Use "call: http" to post to the agent\'s endpoint, or "call: mcp" if it has one.';
    problems.push(refuse(['call'], 'the A2A protocol is not supported', remedy));
  }
  const protocol = task['call'] === 'asyncapi' ? at(task, 'with', 'protocol') : undefined;
  if (typeof protocol === 'string' && !PROTOCOLS.includes(protocol)) {
    const remedy = `Use one of ${PROTOCOLS.join(', ')}, or "call: http" with a gateway in front of the broker.`;
    problems.push(refuse(['with', 'protocol'], `it speaks no ${protocol}`, remedy));
  } else if (typeof protocol === 'string' && /^https?$/.test(protocol) && isFields(at(task, 'with', 'subscription'))) {
    const why = 'nothing can be subscribed to over http';
    problems.push(refuse(['with', 'subscription'], why, 'Let the other side send webhooks to a source, and "listen".'));
  }
  return problems;
}

/** What QuickJS, which runs it, knows; nothing but the syntax is looked at. */
function lintScript(code: string, path: string): Problem[] {
  try {
    parse(code, { ecmaVersion: 2023, sourceType: 'module' });
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line, column } = (error as SyntaxError & { loc: { line: number; column: number } }).loc;
    const what = error.message.replace(/\s*\(\d+:\d+\)$/, '');
    const message = `${placeOf(path)} is no JavaScript: ${what}, line ${line}, column ${column + 1} of the script`;
    return [errorAt(path, message, 'Mend the script; it is a module, so "return" stands in functions only.')];
  }
}

/** Those of AsyncAPI that `call: asyncapi` speaks. */
const PROTOCOLS = ['http', 'https', 'mqtt', 'mqtts', 'secure-mqtt', 'redis', 'rediss', 'ws', 'wss'];
