import { type SpillwayError } from '@spillway/contracts';
import { type ProtocolContext } from '../context';

/** A context of a call as a worker makes it, for specs. */
export function aContext(more: Partial<ProtocolContext> = {}): ProtocolContext {
  return {
    tenant: 'acme',
    input: {},
    secrets: {},
    idempotencyKey: 'step-1',
    signal: new AbortController().signal,
    ...more,
  };
}

/** The error a promise ends with; throws when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<SpillwayError> {
  const value: unknown = await promise.then(
    (result) => ({ result }),
    (error: unknown) => error,
  );
  if (!(value instanceof Error)) throw new Error(`no error but ${JSON.stringify(value)}`);
  return value as SpillwayError;
}
