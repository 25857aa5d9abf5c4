import { refuse } from './failure';

const TEXT =
  /^(?:text\/|application\/(?:xml|yaml|x-yaml|javascript|x-www-form-urlencoded|x-ndjson|graphql)|.*\+(?:xml|yaml)$)/;
const JSON_TYPE = /^(?:application|text)\/(?:[^;]*\+)?json$/;

export interface EncodedBody {
  bytes: Buffer;
  contentType: string;
}

/**
 * What is sent for a body: text as it is, a form where the content type says so, else JSON.
 *
 * @throws PermanentError `body-invalid` when the content type needs text and the body is something else
 */
export async function encodeBody(body: unknown, contentType: string | undefined): Promise<EncodedBody | undefined> {
  if (body === undefined || body === null) return undefined;
  const type = essence(contentType);
  if (type === 'multipart/form-data' && isRecord(body)) return multipart(body);
  if (typeof body === 'string') {
    return { bytes: Buffer.from(body), contentType: contentType ?? 'text/plain; charset=utf-8' };
  }
  if (type === 'application/x-www-form-urlencoded' && isRecord(body)) {
    return { bytes: Buffer.from(formOf(body).toString()), contentType: contentType! };
  }
  if (contentType !== undefined && TEXT.test(type)) {
    throw refuse('configuration', 'body-invalid', `a body of type ${type} has to be text`, 'Render it to text first.');
  }
  return { bytes: Buffer.from(JSON.stringify(body)), contentType: contentType ?? 'application/json' };
}

/**
 * The content of an answer: JSON parsed, text as text, anything else as base64, nothing as null.
 *
 * @throws PermanentError `response-invalid` (DSL type `communication`) for JSON that is none
 */
export function decodeBody(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return null;
  const type = essence(contentType);
  if (JSON_TYPE.test(type)) return parseJson(textOf(bytes, contentType));
  if (TEXT.test(type)) return textOf(bytes, contentType);
  if (!contentType) return utf8(bytes) ?? bytes.toString('base64');
  return bytes.toString('base64');
}

/** Media type without parameters, in lower case. */
export function essence(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Text in the charset its type names; UTF-8 where it names none or one nobody knows. */
export function textOf(bytes: Buffer, contentType?: string): string {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a value looks in a URL, a header or a form. */
export function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function formOf(body: Record<string, unknown>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) form.append(name, plain(one));
    }
  }
  return form;
}

async function multipart(body: Record<string, unknown>): Promise<EncodedBody> {
  const form = new FormData();
  for (const [name, value] of formOf(body)) form.append(name, value);
  const encoded = new Response(form);
  const contentType = encoded.headers.get('content-type')!;
  return { bytes: Buffer.from(await encoded.arrayBuffer()), contentType };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse('communication', 'response-invalid', 'the answer says it is JSON and is not', undefined, cause);
  }
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
