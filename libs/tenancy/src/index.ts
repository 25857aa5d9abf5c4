export { allows, ApiKeys, type ApiKey, type ApiKeyInfo, type NewApiKey, type Rotation } from './api-keys';
export { diff, type Change } from './diff';
export { hashPassword, isOutdated, passwordMatches } from './passwords';
export { type Limited, QuotaGate, type Verdict } from './quotas/quota-gate';
export {
  PLATFORM,
  Resources,
  tenantOf,
  type AppliedResource,
  type ApplyOptions,
  type ResourceFilter,
  type StoredResource,
} from './resources';
export { resealSecrets } from './reseal';
export { Sealer } from './sealer';
export { shareOf } from './share';
