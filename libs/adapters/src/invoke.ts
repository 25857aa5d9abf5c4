import { PermanentError } from '@spillway/contracts';
import type { z } from 'zod';
import type { AdapterContext, AnyAdapter } from './adapter';
import { capabilityOf } from './registry';

/** One call of a capability: options and arguments checked, the result in the capability's shape. */
export interface Invocation extends Omit<AdapterContext, 'options'> {
  options: unknown;
  /** The capability's arguments. */
  parameters: unknown;
}

/**
 * Calls a capability of an adapter. `resilience/` goes around this.
 *
 * @throws PermanentError `options-invalid`, `arguments-invalid`, `result-unexpected`, and what the adapter throws
 */
export async function invoke(adapter: AnyAdapter, name: string, given: Invocation): Promise<unknown> {
  const { options, parameters, ...context } = given;
  const capability = capabilityOf(adapter, name);
  const parsedOptions = parse(
    adapter.options,
    options,
    'options-invalid',
    `the options of the adapter "${adapter.name}"`,
  );
  const parsed = parse(capability.arguments, parameters, 'arguments-invalid', `the arguments of ${name}`);
  const result = await capability.call(parsed, { ...context, options: parsedOptions });
  if (!capability.result) return undefined;
  return parse(capability.result, result, 'result-unexpected', `what ${adapter.name} answered to ${name}`);
}

function parse<T>(schema: z.ZodType<T>, value: unknown, code: string, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ at: path.join('.'), message }));
  const first = issues.slice(0, 3).map(({ at, message }) => (at ? `${at} ${message}` : message));
  throw new PermanentError(`${what} are not right: ${first.join('; ')}`.replace(/ are(?= not right)/, verbOf(what)), {
    code,
    remedy: 'Mend the task, the flow or the binding of the tenant, then redrive the dead letter.',
    details: { issues },
    cause: parsed.error,
  });
}

function verbOf(what: string): string {
  return what.startsWith('what') ? ' is' : ' are';
}
