import { STANDARD_ERRORS, type StandardError, standardErrorOf, standardErrorUri } from '../definition/standard-errors';
import type { CatchModel } from '../definition/model';
import type { FlowError } from './state';

/** Thrown inside the engine; what a `try` may catch. */
export class Fault extends Error {
  constructor(readonly error: FlowError) {
    super(error.detail ?? error.title ?? error.type);
  }
}

const TITLES: Record<StandardError, string> = {
  configuration: 'Configuration Error',
  validation: 'Validation Error',
  expression: 'Expression Error',
  authentication: 'Authentication Error',
  authorization: 'Authorization Error',
  timeout: 'Timeout Error',
  communication: 'Communication Error',
  runtime: 'Runtime Error',
};

/** One of the language's own errors, with its status and title. */
export function standardError(name: StandardError, detail: string, status: number = STANDARD_ERRORS[name]): FlowError {
  return { type: standardErrorUri(name), status, title: TITLES[name], detail };
}

type Filter = NonNullable<CatchModel['errors']>['with'];

/** Whether an error is one that `catch.errors.with` names; types of the same standard error are the same. */
export function isCaught(filter: Filter, error: FlowError): boolean {
  if (!filter) return true;
  const { type, status, instance, title, details } = filter;
  if (type !== undefined && !sameType(type, error.type)) return false;
  if (status !== undefined && Number(status) !== error.status) return false;
  if (instance !== undefined && instance !== error.instance) return false;
  if (title !== undefined && title !== error.title) return false;
  return details === undefined || details === error.detail;
}

function sameType(a: string, b: string): boolean {
  if (a === b) return true;
  const standard = standardErrorOf(a);
  return standard !== undefined && standard === standardErrorOf(b);
}
