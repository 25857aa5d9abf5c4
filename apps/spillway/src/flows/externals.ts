import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PermanentError, type Resource } from '@spillway/contracts';
import type { Problem, ReadExternal } from '@spillway/flows';

type FlowResource = Extract<Resource, { kind: 'Flow' }>;

/** Of one text. */
const MOST_BYTES = 4 * 1_048_576;
const MOST_MS = 10_000;

/**
 * A flow with what it refers to brought into it: files from its own folder and below, and what is on the web, read now and
 * published with it.
 */
export async function withExternals(
  flow: FlowResource,
  folder: string,
): Promise<{ flow: FlowResource; problems: Problem[] }> {
  const { completeDefinition, embedExternals } = await import('@spillway/flows');
  const { definition: given } = completeDefinition(flow.metadata.tenant, flow.metadata.name, flow.spec);
  const { definition, problems } = await embedExternals(given, readerFor(folder), async (...call) => {
    const { checkDescribedCall } = await import('@spillway/adapters');
    return checkDescribedCall(...call);
  });
  // What nothing was brought into stays as it was written.
  if (JSON.stringify(definition) === JSON.stringify(given)) return { flow, problems };
  const { description } = flow.spec;
  return {
    flow: { ...flow, spec: { ...definition, ...(description !== undefined && { description }) } },
    problems,
  };
}

/** @param folder that of the flow's file */
export function readerFor(folder: string): ReadExternal {
  return async (uri, kind) => {
    const { readExternal } = await import('@spillway/adapters');
    return readExternal(uri, kind, (one) => readText(one, folder));
  };
}

async function readText(uri: string, folder: string): Promise<string> {
  const url = new URL(uri);
  return url.protocol === 'file:' ? readLocal(url, folder) : fetchText(url);
}

function readLocal({ pathname }: URL, folder: string): string {
  const path = pathWithin(folder, pathname);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile())
    throw unreadable(path, 'there is no such file', 'Files are looked for in the folder of the flow.');
  if (stat.size > MOST_BYTES) throw tooLarge(path);
  return readFileSync(path, 'utf8');
}

/** URLs have no `..` left, but `%2F..` may become one. @throws PermanentError */
function pathWithin(folder: string, encoded: string): string {
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw unreadable(encoded, 'its escapes are no UTF-8', 'Write the name of the file as it is.');
  }
  const path = join(folder, name);
  if (/^\.\.(?:\/|$)/.test(relative(folder, path)) || name.includes('\0'))
    throw unreadable(name, 'it is not in the folder of the flow', 'Move it there, or below.');
  return path;
}

async function fetchText(url: URL): Promise<string> {
  const { request } = await import('undici');
  const signal = AbortSignal.timeout(MOST_MS);
  try {
    let at = url;
    for (let hops = 0; hops < 5; hops += 1) {
      const { statusCode, headers, body } = await request(at, { signal, headers: { accept: '*/*' } });
      if (statusCode >= 300 && statusCode < 400 && headers.location) {
        await body.dump();
        at = new URL(String(headers.location), at);
        continue;
      }
      if (statusCode !== 200) throw unreadable(url.href, `the answer is ${statusCode}`);
      let bytes = 0;
      const chunks: Buffer[] = [];
      for await (const chunk of body) {
        bytes += (chunk as Buffer).length;
        if (bytes > MOST_BYTES) throw tooLarge(url.href);
        chunks.push(chunk as Buffer);
      }
      return Buffer.concat(chunks).toString('utf8');
    }
  } catch (cause) {
    if (cause instanceof PermanentError) throw cause;
    const why = signal.aborted ? `no answer within ${MOST_MS / 1_000} s` : (cause as Error).message;
    throw unreadable(url.href, why);
  }
  throw unreadable(url.href, 'it is moved again and again');
}

const tooLarge = (what: string) => unreadable(what, `it has more than ${MOST_BYTES / 1_048_576} MB`);

function unreadable(
  what: string,
  why: string,
  remedy = 'Mend the reference, or save the document beside the flow as a file.',
) {
  return new PermanentError(`${what} cannot be read: ${why}`, { code: 'external-unreadable', remedy });
}
