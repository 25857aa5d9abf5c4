import { callAsyncApi } from './asyncapi';
import { type ProtocolContext } from './context';
import { callGrpc } from './grpc';
import { callHttp } from './http';
import { callMcp } from './mcp';
import { callOpenApi } from './openapi';

type Caller = (args: unknown, context: ProtocolContext) => Promise<unknown>;

/** Each loads its client library when it is first called: most workers never need most of them. */
const callers = {
  http: callHttp,
  openapi: callOpenApi,
  mcp: callMcp,
  grpc: callGrpc,
  asyncapi: callAsyncApi,
} satisfies Record<string, Caller>;

export type ProtocolKind = keyof typeof callers;
export const PROTOCOLS = Object.keys(callers) as ProtocolKind[];

/**
 * The calls of the Serverless Workflow DSL 1.0.3, by the name that stands after `call:`. The arguments are those
 * under `with:`, every expression evaluated.
 *
 * @throws SpillwayError with FailureDetails (`type`, `status`, `title`, `detail`) in `details`; when `context.signal`
 * aborts, its reason
 */
export async function callProtocol(kind: ProtocolKind, args: unknown, context: ProtocolContext): Promise<unknown> {
  return callers[kind](args, context);
}
