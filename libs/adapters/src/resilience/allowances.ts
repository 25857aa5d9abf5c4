import { createHash } from 'node:crypto';
import type { AnyAdapter, Rate } from '../adapter';
import type { Binding } from '../registry';

const LONGEST_PART = 100;

/**
 * The allowances that a call counts against, the narrowest first: what a narrow one refuses must not use up a wide one.
 * A tenant's own `limit` takes the place of the published limits that hold for the whole account.
 */
export function limitsOf(
  gate: string,
  adapter: AnyAdapter,
  binding: Pick<Binding, 'limit'>,
  capability: string,
  parameters: unknown,
): { key: string; rate: Rate }[] {
  const given = typeof parameters === 'object' && parameters !== null ? (parameters as Record<string, unknown>) : {};
  const counted = adapter.limits.filter((limit) => !limit.capabilities || limit.capabilities.includes(capability));
  const published = counted
    .filter((limit) => !binding.limit || limit.per || limit.capabilities)
    .sort((a, b) => width(a) - width(b))
    .map(({ name, perSecond, burst, per }) => ({
      key: `${gate}#${name}${per ? `:${part(per(given))}` : ''}`,
      rate: { perSecond, burst },
    }));
  return binding.limit ? [...published, { key: `${gate}#own`, rate: binding.limit }] : published;
}

function width(limit: { per?: unknown; capabilities?: unknown }): number {
  return (limit.per ? 0 : 2) + (limit.capabilities ? 0 : 1);
}

function part(text: string): string {
  return text.length <= LONGEST_PART ? text : createHash('sha256').update(text).digest('hex');
}
