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
  if (task['call'] === 'a2a') {
    const remedy = 'Use "call: http" to post to the agent\'s endpoint, or "call: mcp" if it has one.';
    problems.push(refuse(['call'], 'the A2A protocol is not supported', remedy));
  }
  return problems;
}
