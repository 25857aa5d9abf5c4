export { HttpAdapter, type HttpCallContext, type HttpResult } from './http/http-adapter';
export { Egress, type EgressGate, type EgressSettings } from './egress/egress';
export { AllowList } from './egress/allow-list';
export { classifyResponse, retryAfter } from './http/classify';
export { callProtocol, PROTOCOLS, type ProtocolKind } from './protocols';
export { type DocumentRequest, type FetchedDocument, type ProtocolContext } from './protocols/context';
export { closeConnections } from './protocols/exchange';
export { type FailureDetails, STANDARD_ERRORS, type StandardError } from './protocols/failure';
export { type HttpArguments, type HttpResponseOutput } from './protocols/http';
export { type OpenApiArguments } from './protocols/openapi';
export { type AsyncApiArguments } from './protocols/asyncapi';
export { type GrpcArguments } from './protocols/grpc';
export { type McpArguments } from './protocols/mcp';
export { fetchOverHttp, forgetDocuments, loadDocument } from './protocols/document';
export { checkDescribedCall } from './protocols/described-call';
export { externalUnreadable, readExternal, type ReadText, textsOverHttp } from './protocols/externals';
export { type AuthenticationPolicy } from './authentication/policy';
export { forgetTokens } from './authentication/oauth2';
export { baseUrl, capability, secretName, secretNames, secretOf } from './adapter';
export {
  type Adapter,
  type AdapterContext,
  type AdapterLog,
  type AnyAdapter,
  type Capability,
  type OnceOnly,
  type Rate,
  type RateLimit,
} from './adapter';
export { ADAPTERS } from './adapters';
export { type ArgumentsOf, type ResultOf, serves, SHARED, type SharedName } from './capabilities';
export { invoke, type Invocation } from './invoke';
export {
  adapterNamed,
  type Binding,
  type Bindings,
  bindingSchema,
  capabilityNamed,
  capabilityNames,
  nearest,
  resolve,
  type Resolved,
} from './registry';
export { prepare } from './invoke';
export {
  AdapterCaller,
  gateKey,
  type GuardedCall,
  RESILIENCE,
  type ResilienceOptions,
} from './resilience/adapter-caller';
export { PostgresLimits } from './resilience/postgres-limits';
export {
  type GateState,
  type LimitState,
  type Opening,
  type Passage,
  type SharedLimits,
} from './resilience/shared-limits';
export { runScript } from './script/run-script';
