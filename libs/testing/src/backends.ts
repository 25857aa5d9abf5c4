export type BackendName = 'postgres' | 'redis';

/** Every behaviour of the queues is proved on each: `describe.each(BACKENDS)('on %s', …)`. */
export const BACKENDS: readonly BackendName[] = ['postgres', 'redis'];
