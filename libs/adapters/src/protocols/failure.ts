import { STATUS_CODES } from 'node:http';
import { PermanentError, SpillwayError } from '@spillway/contracts';

const BASE = 'https://serverlessworkflow.io/spec/1.0.0/errors/';
/** The standard error types of the DSL 1.0.3 with their default status. */
export const STANDARD_ERRORS = {
  configuration: { type: `${BASE}configuration`, status: 400 },
  validation: { type: `${BASE}validation`, status: 400 },
  expression: { type: `${BASE}expression`, status: 400 },
  authentication: { type: `${BASE}authentication`, status: 401 },
  authorization: { type: `${BASE}authorization`, status: 403 },
  timeout: { type: `${BASE}timeout`, status: 408 },
  communication: { type: `${BASE}communication`, status: 500 },
  runtime: { type: `${BASE}runtime`, status: 500 },
} as const;
export type StandardError = keyof typeof STANDARD_ERRORS;

/** Characters of an answer that are kept with an error. */
export const EXCERPT_CHARACTERS = 2_048;

/**
 * `details` of every error of a call: what the flow's error object is made of (type, status, title, detail, see
 * "Error" in the DSL reference), and the first characters of the answer.
 */
export interface FailureDetails extends Record<string, unknown> {
  type: string;
  status: number;
  title?: string;
  detail?: string;
  body?: string;
}

/** An error no retry can mend, as the DSL names it. */
export function refuse(kind: StandardError, code: string, message: string, remedy?: string, cause?: unknown) {
  const details: FailureDetails = { ...STANDARD_ERRORS[kind], title: code, detail: message };
  return new PermanentError(message, { code, remedy, details, cause });
}

/** The error of ours that a library wrapped in its own. */
export function ownErrorIn(error: unknown): SpillwayError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth++) {
    if (current instanceof SpillwayError) return current;
    current = (current as { ori?: unknown }).ori ?? current.cause;
  }
  return undefined;
}

/** The same error with more details; class, code and waiting time stay. */
export function withDetails(error: SpillwayError, details: FailureDetails): SpillwayError {
  return new SpillwayError(error.message, {
    code: error.code,
    class: error.class,
    status: error.status,
    remedy: error.remedy,
    retryAfterMs: error.retryAfterMs,
    details: { ...error.details, ...details },
    cause: error.cause,
  });
}

/** Reads RFC 9457 problem details where the other side gave them, else says what the status means. */
export function describeAnswer(status: number, contentType: string | undefined, excerpt: string): FailureDetails {
  const said: { type: string; status: number; title?: string; detail?: string; body?: string } = {
    type: STANDARD_ERRORS.communication.type,
    status,
    title: STATUS_CODES[status] ?? `Status ${status}`,
  };
  if (excerpt) said.body = excerpt;
  const problem = contentType?.includes('json') ? problemOf(excerpt) : undefined;
  if (problem?.title) said.title = problem.title;
  const detail = problem?.detail ?? problem?.message ?? excerpt;
  if (detail) said.detail = detail;
  return said;
}

function problemOf(text: string): Partial<Record<'title' | 'detail' | 'message', string>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || !parsed) return undefined;
    return Object.fromEntries(Object.entries(parsed).filter(([, value]) => typeof value === 'string'));
  } catch {
    return undefined;
  }
}
