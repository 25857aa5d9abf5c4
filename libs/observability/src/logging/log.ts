import type { Config } from '@spillway/config';
import { activeSpan } from '../tracing/tracing';
import { errorFields } from './error-fields';
import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** JSON lines on standard output, without payloads or secrets. */
export function createLog(
  config: Config['log'],
  bindings: Record<string, unknown> = {},
  /** In place of standard output. */
  destination?: DestinationStream,
): Log {
  const options = {
    level: config.level,
    base: bindings,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['*.authorization', '*.password', '*.secret', '*.token', '*.cookie'], censor: '[redacted]' },
    mixin: traceFields,
    serializers: { err: errorFields, error: errorFields },
  };
  if (destination) return pino(options, destination);
  return config.pretty ? pino(options, prettyStream()) : pino(options);
}

/** Of the span under way, so that a line and its trace find each other. */
function traceFields(): object {
  const span = activeSpan();
  return span ? { trace_id: span.segment.traceId, span_id: span.spanId } : {};
}

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** Lines for a person at a terminal: time, level, message, then the fields. */
function prettyStream() {
  return {
    write(line: string) {
      const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown> & {
        err?: { type: string; code?: string };
      };
      const rest = Object.entries(fields).map(
        ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const parts = [
        String(time).slice(11, 23),
        (LEVELS[Number(level)] ?? '').padEnd(5),
        msg,
        ...rest,
        err?.code ?? err?.type,
      ];
      process.stdout.write(`${parts.filter((part) => part !== undefined && part !== '').join(' ')}\n`);
    },
  };
}
