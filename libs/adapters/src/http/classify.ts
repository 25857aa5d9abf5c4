import { PermanentError, RateLimitedError, type SpillwayError, TransientError } from '@spillway/contracts';

/** 4xx answers that another try may change: timeouts, too early, and conflicts of a moment. */
const TRANSIENT_4XX = new Set([408, 423, 425]);
const DEFAULT_WAIT_MS = 5_000;
/** Nobody is waited for longer; the attempt after that asks again. */
const MOST_WAIT_MS = 3_600_000;

/** The error an HTTP answer stands for; undefined for a 2xx. */
export function classifyResponse(
  status: number,
  headers: Record<string, string | string[] | undefined>,
  what: string,
  excerpt: string,
): SpillwayError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const said = excerpt ? `: ${excerpt.slice(0, 200)}` : '';
  const message = `${what} answered ${status}${said}`;
  const details = { status };
  const retryAfterMs = retryAfter(headers['retry-after']);
  if (status === 429) {
    return new RateLimitedError(message, {
      code: 'rate-limited',
      retryAfterMs: retryAfterMs ?? DEFAULT_WAIT_MS,
      details,
    });
  }
  if (status === 503 && retryAfterMs !== undefined) {
    return new RateLimitedError(message, { code: 'unavailable', retryAfterMs, details });
  }
  if (status >= 500 || TRANSIENT_4XX.has(status))
    return new TransientError(message, { code: `http-${status}`, details });
  if (status >= 300 && status < 400) {
    return new PermanentError(`${message} (redirects are not followed)`, { code: 'redirected', details });
  }
  return new PermanentError(message, { code: `http-${status}`, details });
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date. @returns milliseconds */
export function retryAfter(value: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  if (!text) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MOST_WAIT_MS);
}
