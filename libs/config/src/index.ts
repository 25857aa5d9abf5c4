export { loadConfig, type Config, type QueueOverrides } from './config';
export { SECRET_VARIABLES } from './secret-files';
export type { OidcConfig, RoleRule } from './oidc';
export { partitionsSchema, variablesSchema } from './variables';
