export { loadConfig, type Config, type QueueOverrides } from './config';
export { SECRET_VARIABLES } from './secret-files';
export { variablesSchema } from './variables';
