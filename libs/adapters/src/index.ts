export { HttpAdapter, type HttpCallContext, type HttpResult } from './http/http-adapter';
export { classifyResponse, retryAfter } from './http/classify';
