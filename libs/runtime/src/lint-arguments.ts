import { capabilityNamed } from '@spillway/adapters';
import { approvalSchema, notifySchema } from '@spillway/contracts';
import type { ArgumentProblem } from '@spillway/flows';
import { z } from 'zod';

/** Functions of Spillway's own, beside the capabilities of adapters. */
const OWN: Record<string, z.ZodType> = { 'spillway.notify': notifySchema, 'spillway.approval': approvalSchema };

export const OWN_FUNCTIONS = Object.keys(OWN);

/**
 * What is wrong with the arguments of a function and can be seen before they are worked out: names that it does not have or
 * that are missing, and values that are written as they are. What an expression gives is looked at when the call is made.
 */
export function argumentProblems(name: string, given: Record<string, unknown>): ArgumentProblem[] {
  const schema = OWN[name] ?? capabilityNamed(name).arguments;
  const { error } = schema.safeParse(given);
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return (error?.issues ?? []).flatMap((issue): ArgumentProblem[] => {
    const path = issue.path.map(String);
    if (isOpen(given, path)) return [];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], unknown: true, names: path.length === 0 ? names : [] }));
    }
    if (issue.code === 'invalid_type' && path.length > 0 && valueAt(given, path) === undefined) {
      return [{ path: path.slice(0, -1), message: `lacks "${path.at(-1)}"`, missing: path.at(-1), names }];
    }
    return [{ path, message: wordsOf(issue.message), names: [] }];
  });
}

/** Whether it, or what it is in, is what an expression gives. */
function isOpen(given: unknown, path: string[]): boolean {
  return path.some((_, at) => {
    const value = valueAt(given, path.slice(0, at + 1));
    return typeof value === 'string' && value.includes('${');
  });
}

function valueAt(given: unknown, path: string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    given,
  );
}

/** Zod's words, as the end of a sentence. */
function wordsOf(message: string): string {
  return /^(?:must|needs)\b/.test(message) ? message : `is not as it must be: ${message}`;
}
