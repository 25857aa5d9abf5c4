export { loadConfig, type Config, type QueueOverrides } from './config';
export { variablesSchema } from './variables';
