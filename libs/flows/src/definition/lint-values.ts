import { CronExpressionParser } from 'cron-parser';
import { PermanentError } from '@spillway/contracts';
import { durationMs } from './durations';
import { explain } from './explain';
import { FLOW_VARIABLES } from './expressions';
import { at, type Fields, fieldsOf, isFields, shown } from './json';
import type { DurationModel } from './model';
import { didYouMean, nearest } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem, warningAt } from './problem';
import type { Sites, TaskSite } from './sites';
import { errorNameOf, STANDARD_ERRORS, standardErrorUri, type StandardError } from './standard-errors';

/** Durations, schedules, names of variables, events and error types: what is well-formed and yet cannot work. */
export function lintValues(definition: unknown, { tasks }: Sites): Problem[] {
  const use = (component: string) =>
    Object.entries(fieldsOf(at(definition, 'use', component))).map(
      ([name, value]) => [pointerTo('/use', component, name), value] as const,
    );
  return [
    ...lintDuration(definition, '', 'timeout', 'after'),
    ...use('timeouts').flatMap(([path, timeout]) => lintDuration(timeout, path, 'after')),
    ...use('retries').flatMap(([path, policy]) => lintRetry(policy, path)),
    ...use('errors').flatMap(([path, error]) => lintErrorType(error, path)),
    ...lintSchedule(definition),
    ...tasks.flatMap(lintTask),
  ];
}

function lintTask({ task, path }: TaskSite): Problem[] {
  return [
    ...lintDuration(task, path, 'timeout', 'after'),
    ...lintDuration(task, path, 'wait'),
    ...lintDuration(task, path, 'with', 'subscription', 'consume', 'for'),
    ...(task['call'] === 'mcp' ? lintDuration(task, path, 'with', 'timeout') : []),
    ...lintRetry(at(task, 'catch', 'retry'), pointerTo(path, 'catch', 'retry')),
    ...lintVariables(
      task,
      path,
      [
        ['for', 'each'],
        ['for', 'at'],
      ],
      ['item', 'index'],
    ),
    ...lintVariables(task, path, [['catch', 'as']], ['error']),
    ...lintVariables(
      task,
      path,
      [
        ['foreach', 'item'],
        ['foreach', 'at'],
      ],
      ['item', 'index'],
    ),
    ...lintErrorType(at(task, 'raise', 'error'), pointerTo(path, 'raise', 'error')),
    ...lintErrorType(at(task, 'catch', 'errors', 'with'), pointerTo(path, 'catch', 'errors', 'with')),
    ...lintStrategy(at(task, 'listen', 'to'), pointerTo(path, 'listen', 'to')),
    ...lintEmit(task, path),
    ...lintStatus(at(task, 'raise', 'error', 'status'), pointerTo(path, 'raise', 'error', 'status')),
    ...(task['call'] === 'http' ? lintHttp(task, path) : []),
    ...lintSubFlow(at(task, 'run', 'workflow', 'version'), pointerTo(path, 'run', 'workflow', 'version')),
  ];
}

function lintStatus(status: unknown, path: string): Problem[] {
  if (typeof status !== 'number' || (status >= 100 && status <= 599)) return [];
  return [warningAt(path, `${placeOf(path)} is ${status}, which is no status of HTTP`, 'Write one from 400 to 599.')];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function lintHttp(task: Fields, path: string): Problem[] {
  const problems: Problem[] = [];
  const method = at(task, 'with', 'method');
  if (typeof method === 'string' && !method.includes('${') && !METHODS.includes(method.toUpperCase())) {
    const here = pointerTo(path, 'with', 'method');
    const message = `${placeOf(here)} is ${shown(method)}, which is no method of HTTP`;
    const meant = didYouMean(method.toUpperCase(), METHODS);
    problems.push(errorAt(here, message + meant.toLowerCase(), `Write one of ${METHODS.join(', ').toLowerCase()}.`));
  }
  const endpoint = at(task, 'with', 'endpoint');
  const uri = typeof endpoint === 'string' ? endpoint : at(endpoint, 'uri');
  if (typeof uri !== 'string' || uri.includes('${')) return problems;
  const here = pointerTo(path, 'with', 'endpoint', ...(typeof endpoint === 'string' ? [] : ['uri']));
  const url = URL.parse(uri.replace(/\{[^{}]*\}/g, '1'));
  const isWrong = /^[a-z][a-z0-9+.-]*:/i.test(uri) && (!url || !/^https?:$/.test(url.protocol) || url.hostname === '');
  if (isWrong) {
    const message = `${placeOf(here)} is ${shown(uri)}, which is no address of a web server`;
    problems.push(errorAt(here, message, 'Write a URL such as https://api.example.com/orders.'));
  }
  return problems;
}

function lintSubFlow(version: unknown, path: string): Problem[] {
  if (typeof version !== 'string' || version === 'latest' || version.includes('${') || /^\d+\.\d+\.\d+/.test(version))
    return [];
  const message = `${placeOf(path)} is ${shown(version)}, which is no version`;
  return [errorAt(path, message, 'Write "latest", or a version such as 1.0.0.')];
}

/** What the schema already refuses is left to it. */
function lintDuration(root: unknown, path: string, ...keys: string[]): Problem[] {
  const value = at(root, ...keys);
  const isExpression = typeof value === 'string' && value.trim().startsWith('${');
  if (value === undefined || isExpression) return [];
  const here = pointerTo(path, ...keys);
  if (explain({ $ref: '#/$defs/duration' }, value, here).problems.length > 0) return [];
  try {
    durationMs(value as DurationModel);
    return [];
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    return [errorAt(here, `${placeOf(here)}: ${error.message}`, error.remedy ?? '')];
  }
}

function lintRetry(policy: unknown, path: string): Problem[] {
  const problems = [
    ['delay'],
    ['limit', 'duration'],
    ['limit', 'attempt', 'duration'],
    ['jitter', 'from'],
    ['jitter', 'to'],
  ].flatMap((keys) => lintDuration(policy, path, ...keys));
  const [from, to] = ['from', 'to'].map((end) => msOf(at(policy, 'jitter', end)));
  if (from !== undefined && to !== undefined && from > to) {
    const here = pointerTo(path, 'jitter');
    problems.push(errorAt(here, `${placeOf(here)} begins after it ends`, 'Let "from" be less than "to".'));
  }
  if (isFields(policy) && !['limit', 'delay', 'backoff', 'jitter'].some((key) => Object.hasOwn(policy, key))) {
    const message = `${placeOf(path)} tries again at once and without end: it has no "delay" and no "limit"`;
    problems.push(warningAt(path, message, 'Say how often: limit: { attempt: { count: 5 } }.'));
  }
  const count = at(policy, 'limit', 'attempt', 'count');
  if (typeof count === 'number' && count < 0) {
    const here = pointerTo(path, 'limit', 'attempt', 'count');
    problems.push(errorAt(here, `${placeOf(here)} is ${count}; it must be 0 or more`, 'Write how often to try again.'));
  }
  return problems;
}

function msOf(value: unknown): number | undefined {
  try {
    return durationMs(value as DurationModel);
  } catch {
    return undefined;
  }
}

function lintSchedule(definition: unknown): Problem[] {
  const schedule = at(definition, 'schedule');
  const problems = ['every', 'after'].flatMap((key) => lintDuration(definition, '', 'schedule', key));
  for (const key of ['every', 'after']) {
    const value = at(schedule, key);
    if (typeof value !== 'string' || !value.includes('${')) continue;
    const here = pointerTo('/schedule', key);
    const message = `${placeOf(here)} is an expression, and before a run there is nothing to work it out from`;
    problems.push(errorAt(here, message, 'Write a duration such as PT15M.'));
  }
  if (isFields(schedule) && Object.keys(schedule).length === 0) {
    problems.push(errorAt('/schedule', '"schedule" is empty', 'Say when: "cron", "every", "after" or "on".'));
  }
  if (at(schedule, 'cron') !== undefined && at(schedule, 'every') !== undefined) {
    const message = '"schedule" has "cron" and "every", of which only one can be';
    problems.push(errorAt('/schedule', message, 'Keep one of them.'));
  }
  if (msOf(at(definition, 'schedule', 'every')) === 0) {
    problems.push(
      errorAt('/schedule/every', '"schedule.every" is 0: runs would start without end', 'Write PT1M or more.'),
    );
  }
  const cron = at(definition, 'schedule', 'cron');
  if (typeof cron === 'string') problems.push(...lintCron(cron));
  return [...problems, ...lintStrategy(at(definition, 'schedule', 'on'), '/schedule/on')];
}

const CRON_REMEDY = 'Write minute, hour, day of month, month and day of week: 0 9 * * MON-FRI.';

function lintCron(cron: string): Problem[] {
  const fields = cron.trim().split(/\s+/);
  const say = (what: string) => [errorAt('/schedule/cron', `"schedule.cron" ${shown(cron)} ${what}`, CRON_REMEDY)];
  if (!cron.trim().startsWith('@') && fields.length !== 5 && fields.length !== 6) {
    return say(`has ${cron.trim() === '' ? 0 : fields.length} fields instead of five`);
  }
  try {
    CronExpressionParser.parse(cron);
    return [];
  } catch (error) {
    return say(`is no cron expression: ${(error as Error).message}`);
  }
}

/** Names that expressions can use, and that hide none of the arguments every expression has. */
function lintVariables(task: unknown, path: string, places: string[][], defaults: string[]): Problem[] {
  const names = places.map((keys, index) => at(task, ...keys) ?? defaults[index]);
  return places.flatMap((keys, index) => {
    const name = names[index];
    const here = pointerTo(path, ...keys);
    if (typeof name !== 'string' || at(task, ...keys) === undefined) return [];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const message = `${placeOf(here)} is ${shown(name)}, which cannot name a variable`;
      return [errorAt(here, message, 'Use letters, digits and _, and no $.')];
    }
    if ((FLOW_VARIABLES as readonly string[]).includes(name)) {
      return [errorAt(here, `${placeOf(here)} would hide $${name}`, 'Give it another name.')];
    }
    if (names.indexOf(name) === index && names.lastIndexOf(name) === index) return [];
    return index > 0 || at(task, ...places[1]!) === undefined
      ? [errorAt(here, `${placeOf(here)} is "${name}", as the other variable is`, 'Give it another name.')]
      : [];
  });
}

function lintErrorType(error: unknown, path: string): Problem[] {
  const type = at(error, 'type');
  if (typeof type !== 'string' || type.includes('${')) return [];
  const here = pointerTo(path, 'type');
  if (!/^[a-z][a-z0-9+.-]*:/i.test(type)) {
    const standard = nearest(type, Object.keys(STANDARD_ERRORS)) as StandardError | undefined;
    const remedy = `Write ${standard ? standardErrorUri(standard) : 'the whole URI'}.`;
    return [warningAt(here, `${placeOf(here)} is "${type}", which is no URI; the types of errors are`, remedy)];
  }
  const name = errorNameOf(type);
  if (name === undefined || Object.hasOwn(STANDARD_ERRORS, name)) return [];
  const meant = nearest(name, Object.keys(STANDARD_ERRORS)) as StandardError | undefined;
  if (!meant) return [];
  const message = `${placeOf(here)} is no error of the language; did you mean "${meant}"?`;
  return [warningAt(here, message, `Write ${standardErrorUri(meant)}.`)];
}

function lintStrategy(strategy: unknown, path: string): Problem[] {
  const all = at(strategy, 'all');
  const problems = lintUntil(at(strategy, 'until'), pointerTo(path, 'until'));
  if (!Array.isArray(all) || all.length > 0) return problems;
  const here = pointerTo(path, 'all');
  return [
    errorAt(here, `${placeOf(here)} names no event to wait for`, 'Add an event, or write any: [] for every event.'),
  ];
}

const lintUntil = (until: unknown, path: string): Problem[] =>
  typeof until === 'object' && until !== null ? lintStrategy(until, path) : [];

function lintEmit(task: unknown, path: string): Problem[] {
  const event = at(task, 'emit', 'event');
  if (typeof event !== 'object' || event === null || at(event, 'with') !== undefined) return [];
  const here = pointerTo(path, 'emit', 'event');
  return [errorAt(here, `${placeOf(here)} lacks "with"`, 'Add "with" and in it "source" and "type".')];
}
