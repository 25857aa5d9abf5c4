import { supportedTarget } from './asyncapi';
import type { AsyncApiChoice } from './asyncapi-document';
import { isRecord } from './content';
import { refuse } from './failure';
import { requestOf } from './openapi';
import { findOperation } from './openapi-operation';
import { findMethod, protoFrom } from './proto-document';

/**
 * Whether a call fits the document that describes it, as far as can be told before its arguments are worked out: the
 * operation, the names of its parameters, a way that is supported.
 *
 * @param files as `readExternal` gave them, by URI
 * @throws PermanentError as the call itself would
 */
export async function checkDescribedCall(
  call: string,
  args: Record<string, unknown>,
  uri: string,
  files: Record<string, string>,
): Promise<void> {
  if (call === 'grpc') return checkGrpc(args, uri, files);
  const document = { uri, root: JSON.parse(files[uri] ?? '{}') as Record<string, unknown> };
  if (call === 'openapi') {
    if (typeof args.operationId !== 'string' || isOpen(args.operationId)) return;
    const operation = findOperation(document, args.operationId);
    if (args.parameters === undefined || isRecord(args.parameters)) requestOf(operation, args.parameters ?? {});
    return;
  }
  const { channel, operation, server, protocol } = args as AsyncApiChoice;
  const choice = { channel, operation, server, protocol };
  if (!isOpen(choice)) supportedTarget(document, choice, args.subscription !== undefined);
}

async function checkGrpc(args: Record<string, unknown>, uri: string, files: Record<string, string>): Promise<void> {
  const read = (at: string) => {
    const text = files[at];
    if (text === undefined) throw refuse('configuration', 'document-invalid', `${at} is not among what was read`);
    return Promise.resolve({ uri: at, text });
  };
  const root = await protoFrom(await read(uri), read);
  const service = isRecord(args.service) ? args.service.name : undefined;
  if (typeof service === 'string' && typeof args.method === 'string' && !isOpen([service, args.method]))
    findMethod(root, service, args.method);
}

const isOpen = (value: unknown) => JSON.stringify(value).includes('${');
