/**
 * PostgreSQL's `jsonb`, in which BullMQ keeps a job's data there, refuses \u0000 and lone surrogates; other people's
 * payloads may hold both. Such data travels as base64 of its JSON.
 */
interface Wrapped {
  $json: string;
}

const REFUSED = /\\u0000|\\ud[89a-f]/i;

/** @param strict whether the backend refuses such strings */
export function encodeData<T extends object>(data: T, strict: boolean): T | Wrapped {
  if (!strict) return data;
  const json = JSON.stringify(data);
  return REFUSED.test(json) ? { $json: Buffer.from(json).toString('base64') } : data;
}

export function decodeData<T extends object>(data: T | Wrapped): T {
  if (!('$json' in data) || typeof data.$json !== 'string') return data as T;
  return JSON.parse(Buffer.from(data.$json, 'base64').toString()) as T;
}
