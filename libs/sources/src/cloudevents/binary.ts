import { parseJson } from '../primitives/body';
import type { InboundRequest } from '../provider';

const PREFIX = 'ce-';

/** Binary mode: attributes in `ce-` headers, percent-encoded; the body is the data. */
export function readBinary(request: InboundRequest): [attributes: Record<string, unknown>, data: unknown] {
  const entries = Object.entries(request.headers)
    .filter(([name, value]) => name.startsWith(PREFIX) && typeof value === 'string')
    .map(([name, value]) => [name.slice(PREFIX.length), decode(value as string)] as const);
  return [Object.fromEntries(entries), dataOf(request)];
}

/**
 * A quoted string is unquoted, then percent-encoding decoded, once; what is not valid percent-encoding stands for itself.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values
 */
function decode(value: string): string {
  const plain = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function dataOf(request: InboundRequest): unknown {
  if (request.rawBody.length === 0) return null;
  const type = String(request.headers['content-type'] ?? 'application/json')
    .split(';', 1)[0]!
    .trim()
    .toLowerCase();
  if (type === 'application/json' || type.endsWith('+json')) return parseJson(request);
  return type.startsWith('text/') || type.endsWith('xml')
    ? request.rawBody.toString('utf8')
    : { base64: request.rawBody.toString('base64') };
}
