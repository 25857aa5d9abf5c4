import { explain } from './explain';
import { isFields, shown } from './json';
import { didYouMean, nearest } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem, warningAt } from './problem';
import type { Sites } from './sites';

/** Classes of priority, most urgent first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'];
const OURS = ['compensate', 'priority', 'idempotencyKey', 'callback', 'parallel'];

/** What Spillway reads from the `metadata` of a task. Other keys are the author's own. */
export function lintMetadata({ tasks }: Sites): Problem[] {
  return tasks.flatMap(({ task, path }) => {
    const metadata = task['metadata'];
    if (!isFields(metadata)) return [];
    const here = (key: string) => pointerTo(path, 'metadata', key);
    return [
      ...Object.entries(metadata).flatMap(([key, value]) => lintEntry(key, value, here(key))),
      ...(metadata['callback'] === true ? lintCallback(task['call'], here('callback')) : []),
    ];
  });
}

/** Calls that take the link with them; capabilities say so themselves, see lint-functions.ts. */
function lintCallback(call: unknown, path: string): Problem[] {
  const takesLink =
    typeof call === 'string' && (['http', 'openapi'].includes(call) || /^(?!spillway\.).+\./.test(call));
  if (takesLink) return [];
  const what = typeof call === 'string' ? `"call: ${call}" takes no link` : 'the task is no call that takes a link';
  const remedy = 'Use "call: http", "call: openapi" or a capability with "callbackUrl", such as workflow.start.';
  return [errorAt(path, `${placeOf(path)}: ${what} to answer through`, remedy)];
}

function lintEntry(key: string, value: unknown, path: string): Problem[] {
  if (key === 'compensate') {
    const node = { $ref: Array.isArray(value) ? '#/$defs/taskList' : '#/$defs/task' };
    return explain(node, value, path).problems.map(({ missing: _, ...problem }) => problem);
  }
  if (key === 'priority') {
    if (typeof value === 'string' && PRIORITIES.includes(value)) return [];
    const meant = typeof value === 'string' ? didYouMean(value, PRIORITIES) : '';
    const message = `${placeOf(path)} is ${shown(value)}, which is no priority${meant}`;
    return [errorAt(path, message, `Write one of ${PRIORITIES.join(', ')}.`)];
  }
  if (key === 'idempotencyKey') {
    if (typeof value === 'string' && value !== '') return [];
    return [errorAt(path, `${placeOf(path)} must be text that is not empty`, 'Write text such as order-${ .id }.')];
  }
  if (key === 'callback') {
    if (typeof value === 'boolean') return [];
    return [errorAt(path, `${placeOf(path)} must be true or false`, 'Write callback: true.')];
  }
  if (key === 'parallel') {
    if (Number.isInteger(value) && (value as number) > 0) return [];
    return [errorAt(path, `${placeOf(path)} must be a whole number from 1`, 'Write how many at once: parallel: 20.')];
  }
  const meant = nearest(key, OURS);
  if (!meant) return [];
  return [warningAt(path, `${placeOf(path)} means nothing to Spillway; did you mean "${meant}"?`, `Write "${meant}".`)];
}
