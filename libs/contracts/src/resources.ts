import { z } from 'zod';
import { durationSchema } from './duration';
import { nameSchema, prioritySchema } from './event';
import { quotasSchema, retentionSchema } from './quotas';
import { targetSchema } from './task';
import { QUEUE_NAMES } from './words';

export const API_VERSION = 'spillway/v1';

/**
 * A secret in a document: by environment variable or file of the machine that applies the document (never of the
 * server), or literally. The server keeps it sealed and shows a fingerprint only.
 */
export const secretRefSchema = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ value: z.string().min(1) }),
]);
export type SecretRef = z.infer<typeof secretRefSchema>;

const describable = { description: z.string().optional() };

/** What a tenant may have when there is more work than workers. */
const tenantShare = {
  /** Of the work, against other tenants: one with 2 gets twice as much as one with 1. 1, if left out. */
  weight: z.number().min(0.01).max(1_000),
  /** Jobs at once, over all workers, per queue; 0 lets none in. */
  concurrency: z.partialRecord(z.enum(QUEUE_NAMES), z.number().int().min(0)),
  ordering: z.strictObject({
    /** When a job with an ordering key is given up: later ones wait for an operator, or go on. */
    onExhausted: z.enum(['park', 'continue']).default('continue'),
  }),
};

export const tenantShareSchema = z.strictObject({
  weight: tenantShare.weight.default(1),
  concurrency: tenantShare.concurrency.default({}),
  ordering: tenantShare.ordering.default({ onExhausted: 'continue' }),
});
export type TenantShare = z.infer<typeof tenantShareSchema>;

const shareOfTenant = z.strictObject(tenantShare).partial().shape;

export const tenantSpecSchema = z.strictObject({
  ...describable,
  title: z.string().optional(),
  ...shareOfTenant,
  /** Secrets of the tenant's tasks, by name: `$secrets.NAME` in templates, `secret: NAME` in callbacks. */
  secrets: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a word'), secretRefSchema).default({}),
  /** What its tasks may call beyond the public internet; only a key or person of the platform may change it. */
  egress: z.strictObject({ allow: z.array(z.string().min(1).max(300)).max(100) }).optional(),
  /** Name of the Plan whose quotas and times hold where the tenant has none of its own. */
  plan: nameSchema.optional(),
  quotas: quotasSchema.optional(),
  retention: retentionSchema.optional(),
});

/** Fields of a Tenant that only somebody of the platform may set: what it may use and reach, and for how long. */
export const OPERATOR_FIELDS = [
  'plan',
  'weight',
  'concurrency',
  'quotas',
  'retention',
  'egress',
] as const satisfies (keyof z.infer<typeof tenantSpecSchema>)[];

/** Defaults for the tenants that name it. */
export const planSpecSchema = z.strictObject({
  ...describable,
  title: z.string().optional(),
  ...shareOfTenant,
  quotas: quotasSchema.default({}),
  retention: retentionSchema.default({}),
});

export const sourceSpecSchema = z.strictObject({
  ...describable,
  provider: z.string().min(1),
  enabled: z.boolean().default(true),
  /** All that are valid now, newest first: keep the old one here while a rotation lasts. */
  secrets: z.array(secretRefSchema).default([]),
  /** The provider's own settings. */
  options: z.record(z.string(), z.unknown()).default({}),
  /** How long the same event counts as a duplicate. */
  dedupeWindow: durationSchema.default(86_400_000),
  /** The URL the provider was given, when a proxy changes it; some providers sign it. */
  publicUrl: z.url().optional(),
  priority: prioritySchema.default('normal'),
});

export const routeSpecSchema = z.strictObject({
  ...describable,
  enabled: z.boolean().default(true),
  match: z
    .strictObject({
      /** Event types; `*` stands for any characters: `stripe.payment_intent.*`. Any of them. */
      types: z.array(z.string().min(1)).min(1).optional(),
      provider: z.string().optional(),
      /** Names of sources. Any of them. */
      sources: z.array(nameSchema).min(1).optional(),
      /** A jq condition over the event: `.data.amount > 100`. */
      where: z.string().optional(),
    })
    .default({}),
  /** One target, or several: each becomes a job of its own. */
  to: z.union([targetSchema, z.array(targetSchema).min(1).max(50)]),
});

/**
 * A workflow of the Serverless Workflow DSL 1.0.3, whose `document` may be left out. What it may hold is checked by the
 * linter of libs/flows, which says more than a schema can.
 */
export const flowSpecSchema = z.looseObject({
  ...describable,
  do: z.array(z.unknown(), 'is missing: the list of tasks'),
});

/** How a tenant has an outside system set up. Its options are the adapter's own. */
export const adapterSpecSchema = z.looseObject({ ...describable, adapter: z.string().min(1) });

/** An event that Spillway makes itself, by the clock. */
export const scheduleSpecSchema = z
  .strictObject({
    ...describable,
    enabled: z.boolean().default(true),
    /** Five or six fields. */
    cron: z.string().optional(),
    timezone: z.string().default('UTC'),
    every: durationSchema.optional(),
    event: z.strictObject({ type: z.string().min(1), subject: z.string().optional(), data: z.json().default({}) }),
  })
  .refine((spec) => (spec.cron === undefined) !== (spec.every === undefined), {
    message: 'needs exactly one of "cron" and "every"',
  });

/** What a key may do; `*` is everything. */
export const SCOPES = [
  '*',
  'events:write',
  'events:read',
  'jobs:read',
  'jobs:write',
  'dead-letters:read',
  'dead-letters:write',
  'quarantine:read',
  'quarantine:write',
  'resources:read',
  'resources:write',
  'queues:write',
  'sources:sign',
  'audit:read',
  'payloads:read',
  'keys:read',
  'keys:write',
  'users:read',
  'users:write',
] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = (typeof SCOPES)[number];

export const apiKeySpecSchema = z.strictObject({
  ...describable,
  scopes: z.array(scopeSchema).min(1),
  expiresAt: z.iso.datetime().optional(),
  /** The key itself, by reference; left out, Spillway makes one and shows it once. */
  secret: secretRefSchema.optional(),
  /** When `secret` changes: how long the one before still works. */
  overlap: durationSchema.default(86_400_000),
});

const metadata = z.strictObject({ name: nameSchema, tenant: nameSchema });

function document<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal(kind), metadata, spec });
}

/** A tenant belongs to nobody, so its `metadata` has a name only. */
const tenantDocument = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Tenant'),
  metadata: z.strictObject({ name: nameSchema }),
  spec: tenantSpecSchema.prefault({}),
});

/** Plans belong to the platform. */
const planDocument = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Plan'),
  metadata: z.strictObject({ name: nameSchema }),
  spec: planSpecSchema,
});

export const resourceSchema = z
  .discriminatedUnion('kind', [
    planDocument,
    tenantDocument,
    document('Source', sourceSpecSchema),
    document('Route', routeSpecSchema),
    document('Flow', flowSpecSchema),
    document('Adapter', adapterSpecSchema),
    document('Schedule', scheduleSpecSchema),
    document('ApiKey', apiKeySpecSchema),
  ])
  .meta({ id: 'Resource' });

export type Resource = z.infer<typeof resourceSchema>;
export type ResourceKind = Resource['kind'];
export const RESOURCE_KINDS: readonly ResourceKind[] = [
  'Plan',
  'Tenant',
  'Source',
  'Route',
  'Flow',
  'Adapter',
  'Schedule',
  'ApiKey',
];

export type PlanSpec = z.infer<typeof planSpecSchema>;
export type TenantSpec = z.infer<typeof tenantSpecSchema>;
export type SourceSpec = z.infer<typeof sourceSpecSchema>;
export type RouteSpec = z.infer<typeof routeSpecSchema>;
export type FlowSpec = z.infer<typeof flowSpecSchema>;
export type AdapterSpec = z.infer<typeof adapterSpecSchema>;
export type ScheduleSpec = z.infer<typeof scheduleSpecSchema>;
export type ApiKeySpec = z.infer<typeof apiKeySpecSchema>;
