export { HttpAdapter, type HttpCallContext, type HttpResult } from './http/http-adapter';
export { classifyResponse, retryAfter } from './http/classify';
export { callProtocol, PROTOCOLS, type ProtocolKind } from './protocols';
export { type DocumentRequest, type FetchedDocument, type ProtocolContext } from './protocols/context';
export { closeConnections } from './protocols/exchange';
export { type FailureDetails, STANDARD_ERRORS, type StandardError } from './protocols/failure';
export { type HttpArguments, type HttpResponseOutput } from './protocols/http';
export { type AuthenticationPolicy } from './authentication/policy';
