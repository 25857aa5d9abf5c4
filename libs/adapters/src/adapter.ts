import { PermanentError } from '@spillway/contracts';
import type { Dispatcher } from 'undici';
import { z } from 'zod';

/** How a call that is made twice has one effect, as far as the provider allows it. */
export type OnceOnly =
  /** The key travels in this header; the provider answers a repeat with the first answer. */
  | { by: 'header'; name: string }
  /** The key travels in this field of the request, where the provider compares it. */
  | { by: 'field'; name: string }
  /** When an earlier attempt may have got through (`unsureSince`), the provider is asked for its trace first. */
  | { by: 'lookup'; of: string }
  /** Twice is the same as once: reads, upserts. */
  | { by: 'nature' }
  /** A repeat is a second effect. */
  | { by: 'none'; because: string };

/** What a pino logger has, and nothing more. */
export interface AdapterLog {
  debug(facts: Record<string, unknown>, message: string): void;
  warn(facts: Record<string, unknown>, message: string): void;
}

/** What one call gets besides its arguments. */
export interface AdapterContext<Options = unknown> {
  /** As the tenant configured them, parsed by the adapter's `options`. */
  options: Options;
  /** The tenant's secrets by name. Options name them; they are never options themselves. */
  secrets: Readonly<Record<string, string>>;
  /** The same for every attempt of the same call, and for no other call. */
  idempotencyKey: string;
  /** Set when an attempt of this call was begun then and its end is not known: it may have had its effect. */
  unsureSince?: Date;
  signal: AbortSignal;
  /** W3C Trace Context. */
  traceparent?: string;
  /** Makes the connections, where something watches over which hosts may be reached. */
  dispatcher?: Dispatcher;
  log: AdapterLog;
}

/**
 * So many calls a second on average, of which `burst` may come at once: in any `t` seconds at most
 * `burst + perSecond * t`. Where a provider counts in windows, that sum is what has to fit.
 */
export interface Rate {
  perSecond: number;
  burst: number;
}

export interface RateLimit extends Rate {
  /** Tells limits of one adapter apart. */
  name: string;
  /** The capabilities that count; all of them if left out. */
  capabilities?: readonly string[];
  /** Each value of this has an allowance of its own: a channel, a phone number. */
  per?: (parameters: Record<string, unknown>) => string;
}

export interface Capability<Options = unknown, Parameters = unknown, Result = unknown> {
  title: string;
  arguments: z.ZodType<Parameters>;
  /** Undefined: it answers nothing worth keeping. */
  result: z.ZodType<Result> | undefined;
  idempotent: OnceOnly;
  /** @throws SpillwayError classified as libs/adapters/src/http/classify.ts does */
  call(parameters: Parameters, context: AdapterContext<Options>): Promise<Result>;
}

/** An outside system as Spillway calls it: pure description and functions, no state between calls. */
export interface Adapter<Options = unknown> {
  name: string;
  title: string;
  /** A strict object; fields that name a secret are `secretName()`. */
  options: z.ZodType<Options>;
  /** What the provider publishes for one account. Empty where it publishes nothing: its 429s are obeyed all the same. */
  limits: readonly RateLimit[];
  capabilities: Readonly<Record<string, Capability<Options>>>;
}

/** Any adapter, whatever its options are. */
export type AnyAdapter = Adapter<unknown>;

/** A capability of one adapter, typed by its schemas. */
export function capability<Options, Parameters, Result>(
  it: Capability<Options, Parameters, Result>,
): Capability<Options, Parameters, Result> {
  return it;
}

const SECRET = 'secret';

/** The name of one of the tenant's secrets, as an option. @param fallback the name when the option is left out */
export function secretName(fallback: string) {
  return z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of a secret of the tenant, not the secret')
    .default(fallback)
    .meta({ [SECRET]: true });
}

/** Where the provider is; set it for a proxy, a region or a test. A path is kept as a prefix. */
export const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .optional()
  .describe('Where requests go instead of the provider, with an optional path as prefix');

/** @throws PermanentError `secret-missing` */
export function secretOf(context: AdapterContext, name: string): string {
  const value = context.secrets[name];
  if (value) return value;
  throw new PermanentError(`the tenant has no secret "${name}"`, {
    code: 'secret-missing',
    remedy: 'Add it to the secrets of the Tenant document, then redrive the dead letter.',
  });
}

/** The names of the secrets that an adapter needs with these options. */
export function secretNames(adapter: AnyAdapter, options: unknown): string[] {
  const { properties } = z.toJSONSchema(adapter.options, { io: 'input' }) as {
    properties?: Record<string, { secret?: boolean }>;
  };
  const parsed = adapter.options.parse(options) as Record<string, unknown>;
  return Object.entries(properties ?? {})
    .filter(([key, schema]) => schema[SECRET] && typeof parsed[key] === 'string')
    .map(([key]) => parsed[key] as string);
}
