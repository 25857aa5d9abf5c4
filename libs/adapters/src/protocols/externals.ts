import { PermanentError } from '@spillway/contracts';
import { bundleDocument, fetchOverHttp } from './document';
import type { ProtocolContext } from './context';

/** Reads one text. @throws PermanentError */
export type ReadText = (uri: string) => Promise<string>;

const MOST_IMPORTS = 50;

/**
 * What a flow refers to outside of itself, with all that it refers to in turn: documents with those they refer to in them,
 * protos beside what they import (`google/protobuf/*` is built in), anything else as it is.
 *
 * @returns texts by URI
 * @throws PermanentError
 */
export async function readExternal(uri: string, kind: string, readText: ReadText): Promise<Record<string, string>> {
  if (kind === 'document') return { [uri]: JSON.stringify((await bundleDocument(uri, readText)).root) };
  const text = await readText(uri);
  return { [uri]: text, ...(kind === 'proto' && (await imports(uri, text, readText))) };
}

async function imports(uri: string, text: string, readText: ReadText): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const open = [{ uri, text }];
  for (const one of open) {
    for (const [, name] of one.text.matchAll(/^\s*import\s+(?:weak\s+|public\s+)?"([^"]+)"\s*;/gm)) {
      const target = name!.startsWith('google/protobuf/') ? undefined : URL.parse(name!, one.uri)?.href;
      if (target === undefined || target === uri || Object.hasOwn(found, target)) continue;
      if (open.length > MOST_IMPORTS) throw externalUnreadable(uri, `it imports more than ${MOST_IMPORTS} files`);
      found[target] = await readText(target);
      open.push({ uri: target, text: found[target] });
    }
  }
  return found;
}

/** Reads texts over HTTP for a tenant: through the dispatcher, which says where connections may go. */
export function textsOverHttp(context: Pick<ProtocolContext, 'tenant' | 'dispatcher' | 'signal' | 'limits'>): ReadText {
  const around: ProtocolContext = { ...context, input: {}, secrets: {}, idempotencyKey: '' };
  return async (uri) => {
    try {
      return (await fetchOverHttp({ uri }, around)).text;
    } catch (cause) {
      const why = context.signal.aborted ? 'no answer in time' : (cause as Error).message;
      throw externalUnreadable(uri, why, cause);
    }
  };
}

export function externalUnreadable(what: string, why: string, cause?: unknown): PermanentError {
  return new PermanentError(`${what} cannot be read: ${why}`, {
    code: 'external-unreadable',
    remedy: 'Mend the reference, or save the document beside the flow as a file.',
    cause,
  });
}
