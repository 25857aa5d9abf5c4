export * from './provider';
export * from './providers';
export { hmacProvider } from './hmac/hmac';
