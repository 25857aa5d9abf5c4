/**
 * PostgreSQL's `jsonb`, in which BullMQ keeps a job's data there, refuses \u0000 and lone surrogates; other people's
 * payloads may hold both. Such data travels as base64 of its JSON.
 */
interface Wrapped {
  $json: string;
}

const REFUSED = /\\u0000|\\ud[89a-f]/i;

/** @param strict whether the backend refuses such strings. @returns the data, and its JSON */
export function encodeData(data: object, strict: boolean): { data: object; json: string } {
  const json = JSON.stringify(data);
  if (!strict || !REFUSED.test(json)) return { data, json };
  const wrapped: Wrapped = { $json: Buffer.from(json).toString('base64') };
  return { data: wrapped, json: JSON.stringify(wrapped) };
}

export function decodeData<T extends object>(data: T | Wrapped): T {
  if (!('$json' in data) || typeof data.$json !== 'string') return data as T;
  return JSON.parse(Buffer.from(data.$json, 'base64').toString()) as T;
}
