import { type TenantShare, tenantShareSchema } from '@spillway/contracts';

/** What a tenant may have when there is more work than workers, as its document says. What cannot be read is the default. */
export function shareOf(spec: Record<string, unknown>): TenantShare {
  const { weight, concurrency, ordering } = spec;
  const parsed = tenantShareSchema.safeParse({ weight, concurrency, ordering });
  return parsed.success ? parsed.data : tenantShareSchema.parse({});
}
