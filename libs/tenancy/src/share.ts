import { type PlanSpec, type TenantShare, tenantShareSchema } from '@spillway/contracts';

/**
 * What a tenant may have when there is more work than workers, as its document says, and where that says nothing its
 * plan. What cannot be read is the default.
 */
export function shareOf(spec: Record<string, unknown>, plan?: Partial<PlanSpec>): TenantShare {
  const fields = ['weight', 'concurrency', 'ordering'] as const;
  const given = Object.fromEntries(fields.map((field) => [field, spec[field] ?? plan?.[field]]));
  const parsed = tenantShareSchema.safeParse(given);
  return parsed.success ? parsed.data : tenantShareSchema.parse({});
}
