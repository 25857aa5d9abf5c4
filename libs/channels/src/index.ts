export type { Channel, Delivery, Message } from './channel';
export { callbackChannel, standardWebhookHeaders } from './callback/callback-channel';
export { logChannel } from './log/log-channel';
