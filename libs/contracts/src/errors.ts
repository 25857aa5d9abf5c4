/**
 * How an error is to be handled, decided where it is raised:
 * - `transient`: try again later with backoff (network, timeouts, 5xx, a database that is away).
 * - `rate-limited`: try again when the other side says so (`retryAfterMs`).
 * - `permanent`: trying again cannot help (bad input, 4xx, a missing secret): to the dead letters at once.
 * - `poison`: the job kills its worker: isolated, never run beside others again.
 */
export type ErrorClass = 'transient' | 'rate-limited' | 'permanent' | 'poison';

export interface SpillwayErrorOptions {
  /** Stable, kebab-case, documented in docs/errors.md; clients may switch on it. */
  code: string;
  class: ErrorClass;
  /** HTTP status when the error leaves over HTTP. Defaults to 500. */
  status?: number;
  /** One sentence that says what the reader can do about it. */
  remedy?: string;
  /** How long the other side asked us to wait, in milliseconds. */
  retryAfterMs?: number;
  /** Facts for the reader (a field, a limit); never a secret or a payload. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * The root of every error Spillway raises on purpose.
 *
 * @example throw new SpillwayError('source "stripe" is not known', { code: 'source-unknown', class: 'permanent', status: 404 });
 */
export class SpillwayError extends Error {
  readonly code: string;
  readonly class: ErrorClass;
  readonly status: number;
  readonly remedy?: string;
  readonly retryAfterMs?: number;
  readonly details?: Record<string, unknown>;

  constructor(message: string, options: SpillwayErrorOptions) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.class = options.class;
    this.status = options.status ?? 500;
    this.remedy = options.remedy;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** Work that cannot succeed however often it is tried. */
export class PermanentError extends SpillwayError {
  constructor(message: string, options: Partial<SpillwayErrorOptions> & { code: string }) {
    super(message, { class: 'permanent', ...options });
  }
}

/** Work that may succeed later. */
export class TransientError extends SpillwayError {
  constructor(message: string, options: Partial<SpillwayErrorOptions> & { code: string }) {
    super(message, { class: 'transient', ...options });
  }
}

/** The other side asked us to slow down. */
export class RateLimitedError extends SpillwayError {
  constructor(message: string, options: Partial<SpillwayErrorOptions> & { code: string; retryAfterMs: number }) {
    super(message, { class: 'rate-limited', ...options });
  }
}

/** A request of a client that is wrong; leaves as RFC 9457 problem details. */
export class BadRequestError extends SpillwayError {
  constructor(message: string, options: Partial<SpillwayErrorOptions> & { code: string }) {
    super(message, { class: 'permanent', status: 400, ...options });
  }
}

/** The class of any thrown value: what Spillway did not classify is worth another try. */
export function errorClassOf(error: unknown): ErrorClass {
  return error instanceof SpillwayError ? error.class : 'transient';
}

/** The message of any thrown value, for records that people read. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is wrong and what to do, on one line. */
export function sentenceOf({ message, remedy }: { message: string; remedy: string }): string {
  if (remedy === '') return message;
  return `${message}${/[.?!]$/.test(message) ? '' : '.'} ${remedy}`;
}
