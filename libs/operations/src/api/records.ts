import { BadRequestError } from '@spillway/contracts';
import type { ChainedEntry, ChainHead } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { requirePlatform, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, TextAnswer } from './endpoint';
import { limitField, tenantField, timeField } from './fields';
import { usageCsv } from './usage-csv';

const auditFields = {
  tenant: tenantField,
  actor: z.string().optional().describe('`key:ci`, `user:ana`'),
  action: z.string().optional().describe('`*` stands for any characters: `key.*`, `payload.read`'),
  target: z.string().optional(),
  outcome: z.enum(['done', 'refused', 'failed']).optional(),
  since: timeField,
  until: timeField,
};

/** Audit and usage. */
export function recordEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/audit',
      scope: 'audit:read',
      summary: 'Who did what and looked at which payload, newest first',
      query: z.object({
        ...auditFields,
        before: z.coerce.number().int().optional().describe('The last `seq` of the page before.'),
        limit: limitField,
      }),
      handle: async ({ query, principal }) => {
        const entries = await platform.audit.list({ ...toFilter(query), tenant: tenantFor(principal, query.tenant) });
        return {
          entries: entries.map(shown),
          next: entries.length === query.limit ? entries.at(-1)?.seq : undefined,
        };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/audit/export',
      scope: 'audit:read',
      summary: 'All entries that match, oldest first, as lines of JSON',
      query: z.object(auditFields),
      handle: async ({ query, principal }) =>
        lines(platform.audit.all({ ...toFilter(query), tenant: tenantFor(principal, query.tenant) })),
    }),
    endpoint({
      method: 'GET',
      path: '/audit/verify',
      scope: 'audit:read',
      summary: 'Whether an entry was changed, removed, inserted or moved; and the head, to be kept elsewhere',
      query: z.object({
        anchor: z
          .string()
          .regex(/^\d+:[0-9a-f]{64}$/, 'must be the head of an earlier answer: seq:hash')
          .optional()
          .describe('The head of an earlier answer: also shows whether the end was cut off.'),
      }),
      handle: async ({ query, principal }) => {
        requirePlatform(principal);
        return platform.audit.verify(query.anchor === undefined ? undefined : anchorOf(query.anchor));
      },
    }),
    endpoint({
      method: 'GET',
      path: '/usage',
      scope: 'events:read',
      summary: 'Counts per tenant, day and source: for looking, and for a billing system that asks again and again',
      query: z.object({
        tenant: tenantField,
        since: z.iso.date().optional().describe('First day, UTC.'),
        until: z.iso.date().optional().describe('Last day, UTC.'),
        changedAfter: timeField.describe('Only counts that went up after this: `next` of the answer before.'),
        format: z.enum(['json', 'csv']).default('json'),
      }),
      handle: async ({ query: { format, changedAfter, ...query }, principal }) => {
        const usage = await platform.usage.list({
          ...query,
          tenant: tenantFor(principal, query.tenant),
          ...(changedAfter !== undefined && { changedAfter: new Date(changedAfter) }),
        });
        if (format === 'csv') return new TextAnswer('text/csv; charset=utf-8', usageCsv(usage));
        return { usage, next: nextOf(usage.map((row) => row.changedAt)) };
      },
    }),
  ];
}

/** What is written now may be seen a moment later only; counts are whole ones, so one that comes again does no harm. */
const SETTLED_MS = 60_000;

/** What to ask for next, so that no change is missed. */
function nextOf(changes: Date[]): Date | undefined {
  if (changes.length === 0) return undefined;
  return new Date(Math.min(Math.max(...changes.map(Number)), Date.now() - SETTLED_MS));
}

function toFilter<T extends { since?: string; until?: string }>({ since, until, ...rest }: T) {
  return { ...rest, since: since ? new Date(since) : undefined, until: until ? new Date(until) : undefined };
}

function shown(entry: ChainedEntry) {
  return { ...entry, details: JSON.parse(entry.details) as unknown };
}

async function* lines(entries: AsyncIterable<ChainedEntry>) {
  for await (const entry of entries) yield shown(entry);
}

/** @throws BadRequestError `anchor-invalid` */
function anchorOf(text: string): ChainHead {
  const [seq, hash] = text.split(':');
  if (Number.isSafeInteger(Number(seq))) return { seq: Number(seq), hash: hash! };
  throw new BadRequestError('the anchor has no number of an entry', { code: 'anchor-invalid' });
}
