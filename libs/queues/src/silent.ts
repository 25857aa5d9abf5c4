/** Connection errors come back as rejected calls and health checks; an event without a listener would end the process. */
export function silent<T extends { on(event: 'error', listener: () => void): unknown }>(emitter: T): T {
  emitter.on('error', () => undefined);
  return emitter;
}
