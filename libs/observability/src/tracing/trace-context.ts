/** W3C Trace Context (https://www.w3.org/TR/trace-context/), as text and as its parts. */
export interface TraceParent {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
/** Longer ones may be cut off whole. */
const MOST_STATE = 512;
const STATE = /^[\x20-\x7e]*$/;

/** @returns undefined for what is not one: it is to be ignored then, not an error */
export function parseTraceparent(text: unknown): TraceParent | undefined {
  const parts = typeof text === 'string' && text.length < 256 ? TRACEPARENT.exec(text.trim()) : null;
  if (!parts) return undefined;
  const [, version, traceId, spanId, flags, more] = parts as unknown as string[];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId: traceId!, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`;
}

/** A `tracestate` that may be passed on; others are dropped. */
export function tracestateOf(text: unknown): string | undefined {
  return typeof text === 'string' && text !== '' && text.length <= MOST_STATE && STATE.test(text) ? text : undefined;
}

export function newTraceId(): string {
  return word() + word() + word() + word();
}

export function newSpanId(): string {
  return word() + word();
}

/** Need not be secret, only rare: all zeros would be invalid, and does not come with a one in front. */
function word(): string {
  const value = Math.floor(Math.random() * 0xffff_ffff) + 1;
  return HEX[value >>> 24]! + HEX[(value >>> 16) & 255]! + HEX[(value >>> 8) & 255]! + HEX[value & 255]!;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
