import { BadRequestError } from '@spillway/contracts';
import { z } from 'zod';
import { type AnyAdapter, type Capability } from './adapter';
import { ADAPTERS } from './adapters';
import { SHARED } from './capabilities';

/** How a tenant has one adapter set up. */
export const bindingSchema = z.strictObject({
  adapter: z.string().min(1),
  /** The adapter's own options, checked by its schema. */
  options: z.record(z.string(), z.unknown()).default({}),
  /** Capabilities it is to serve: `sms.send`, `crm.*`. Left out: all that it has and no other binding claims. */
  serves: z.array(z.string().min(1)).min(1).optional(),
  /** The allowance of this account, where it is not the published one. */
  limit: z
    .strictObject({ perSecond: z.number().positive().max(100_000), burst: z.number().int().min(1).max(1_000_000) })
    .optional(),
  /** Of one attempt, milliseconds. */
  timeoutMs: z.number().int().min(100).max(600_000).optional(),
  /** Calls at the same time in one process. */
  concurrency: z.number().int().min(1).max(1_000).optional(),
});
export type Binding = z.infer<typeof bindingSchema>;

/** A tenant's bindings by name. */
export type Bindings = Readonly<Record<string, Binding>>;

export interface Resolved {
  /** The name of the binding. */
  name: string;
  binding: Binding;
  adapter: AnyAdapter;
  capability: Capability;
}

/** @throws BadRequestError `adapter-unknown` with the nearest names */
export function adapterNamed(name: string, adapters: readonly AnyAdapter[] = ADAPTERS): AnyAdapter {
  const found = adapters.find((adapter) => adapter.name === name);
  if (found) return found;
  throw unknown(
    'adapter-unknown',
    `there is no adapter "${name}"`,
    name,
    adapters.map((it) => it.name),
  );
}

/** What is known of a capability: its title, its schemas, and who has it. @throws BadRequestError `capability-unknown` */
export function capabilityNamed(name: string, adapters: readonly AnyAdapter[] = ADAPTERS) {
  const having = adapters.filter((adapter) => Object.hasOwn(adapter.capabilities, name));
  const [first] = having;
  if (!first) throw unknown('capability-unknown', `there is no capability "${name}"`, name, capabilityNames(adapters));
  const { title, arguments: parameters, result } = first.capabilities[name]!;
  return { name, title, arguments: parameters, result, adapters: having.map((adapter) => adapter.name) };
}

export function capabilityNames(adapters: readonly AnyAdapter[] = ADAPTERS): string[] {
  return [...new Set([...Object.keys(SHARED), ...adapters.flatMap((it) => Object.keys(it.capabilities))])].sort();
}

/** @throws BadRequestError `capability-unknown` */
export function capabilityOf(adapter: AnyAdapter, name: string): Capability {
  if (Object.hasOwn(adapter.capabilities, name)) return adapter.capabilities[name]!;
  const message = `the adapter "${adapter.name}" has no capability "${name}"`;
  throw unknown('capability-unknown', message, name, Object.keys(adapter.capabilities));
}

/**
 * Which of a tenant's bindings serves a capability: the one that lists it, else the one that lists its group (`crm.*`), else the only one that has it.
 *
 * @throws BadRequestError `capability-unknown`, `adapter-unknown`, `capability-unbound`, `capability-ambiguous`
 */
export function resolve(
  capability: string,
  bindings: Bindings,
  { adapters = ADAPTERS }: { adapters?: readonly AnyAdapter[] } = {},
): Resolved {
  const known = capabilityNamed(capability, adapters);
  const candidates = Object.entries(bindings)
    .filter(([, binding]) => Object.hasOwn(adapterNamed(binding.adapter, adapters).capabilities, capability))
    .map(([name, binding]) => ({ name, binding, claim: claimOf(binding, capability) }));
  const most = Math.max(0, ...candidates.map(({ claim }) => claim));
  const best = candidates.filter(({ claim }) => claim === most && claim > 0);
  if (best.length === 0) {
    throw new BadRequestError(`no adapter of the tenant serves "${capability}"`, {
      code: 'capability-unbound',
      remedy: `Set up one of: ${known.adapters.join(', ')}.`,
    });
  }
  if (best.length > 1) {
    throw new BadRequestError(
      `"${capability}" could be served by ${best.map(({ name }) => `"${name}"`).join(' and ')}`,
      {
        code: 'capability-ambiguous',
        remedy: `List "${capability}" under "serves" of one of them.`,
      },
    );
  }
  const { name, binding } = best[0]!;
  return resolved(name, binding, capability, adapters);
}

function resolved(name: string, binding: Binding, capability: string, adapters: readonly AnyAdapter[]): Resolved {
  const adapter = adapterNamed(binding.adapter, adapters);
  return { name, binding, adapter, capability: capabilityOf(adapter, capability) };
}

/** 3: it lists the capability; 2: it lists its group; 1: it lists nothing; 0: it lists others. */
function claimOf({ serves }: Binding, capability: string): number {
  if (!serves) return 1;
  if (serves.includes(capability)) return 3;
  return serves.some((entry) => entry.endsWith('.*') && capability.startsWith(entry.slice(0, -1))) ? 2 : 0;
}

function unknown(code: string, message: string, name: string, names: readonly string[]): BadRequestError {
  const near = nearest(name, names);
  const remedy = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `There are: ${names.join(', ') || 'none'}.`;
  return new BadRequestError(`${message}. ${remedy}`, { code, remedy, details: { near } });
}

/** Names a slip of the fingers away, or with the same last word, nearest first. */
export function nearest(name: string, names: readonly string[]): string[] {
  const last = name.split('.').at(-1)!.toLowerCase();
  return names
    .map((it) => ({
      it,
      far: distance(name.toLowerCase(), it.toLowerCase()),
      same: it.toLowerCase().endsWith(`.${last}`),
    }))
    .filter(({ it, far, same }) => same || far <= Math.max(2, Math.floor(it.length / 3)))
    .sort((a, b) => a.far - b.far || a.it.localeCompare(b.it))
    .slice(0, 3)
    .map(({ it }) => it);
}

/** Levenshtein: insertions, deletions and replacements between two words. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
