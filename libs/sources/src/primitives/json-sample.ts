import type { Sample } from '../provider';

/** A JSON payload as a sample. */
export function jsonSample(type: string, body: unknown, headers?: Record<string, string>): Sample {
  return { type, contentType: 'application/json', body: JSON.stringify(body), ...(headers && { headers }) };
}
