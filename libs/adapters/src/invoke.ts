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
 * Checks a call without making it. `resilience/` does so first, so that what is wrong costs no allowance.
 *
 * @throws PermanentError `options-invalid`, `arguments-invalid`
 */
export function prepare(adapter: AnyAdapter, name: string, given: Pick<Invocation, 'options' | 'parameters'>) {
  const capability = capabilityOf(adapter, name);
  const options = parse(
    adapter.options,
    given.options,
    'options-invalid',
    `the options of the adapter "${adapter.name}"`,
  );
  const parameters = parse(capability.arguments, given.parameters, 'arguments-invalid', `the arguments of ${name}`);
  /** @throws PermanentError `result-unexpected`, and what the adapter throws */
  return async (context: Omit<AdapterContext, 'options'>): Promise<unknown> => {
    const result = await capability.call(parameters, { ...context, options });
    if (!capability.result) return undefined;
    return parse(capability.result, result, 'result-unexpected', `what ${adapter.name} answered to ${name}`);
  };
}

/** Calls a capability of an adapter with nothing around it. @throws what `prepare` and its call throw */
export async function invoke(adapter: AnyAdapter, name: string, given: Invocation): Promise<unknown> {
  const { options, parameters, ...context } = given;
  return prepare(adapter, name, { options, parameters })(context);
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
