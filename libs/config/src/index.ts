export { loadConfig, type Config, type QueueOverrides } from './config';
export { traceVariables } from './telemetry';
export { SECRET_VARIABLES } from './secret-files';
export type { OidcConfig, RoleRule } from './oidc';
export { partitionsSchema, variablesSchema } from './variables';
