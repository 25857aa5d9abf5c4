export { BACKENDS, type BackendName } from './backends';
export { TestPostgres } from './postgres';
export { TestRedis } from './redis';
export { eventually } from './eventually';
export { ThirdParty, type Call, type ThirdPartyOptions } from './third-party';
export { testEnvironment, TestServers } from './servers';
export { freePort } from './ports';
export * from './providers';
export { HttpServer, sendJson, type ServedRequest } from './protocols/http-server';
