export { EmbeddedPostgres, type EmbeddedOptions } from './embedded';
export { migrate, openDatabase, type Database } from './database';
export type { Schema } from './schema';
export { inTransaction } from './transaction';
export { ADVISORY_LOCKS } from './advisory-locks';
export { batched } from './batcher';
export { sendSignal, Signals, type Signal } from './signals';
export { AuditLog, type AuditEntry, type AuditReport } from './records/audit/audit-log';
export {
  ChainCheck,
  GENESIS,
  type AuditSigner,
  type ChainedEntry,
  type ChainHead,
  type ChainProblem,
} from './records/audit/chain';
export type { AuditFilter } from './records/audit/rows';
export { EffectStore, type Known } from './records/effects';
export {
  EventRecords,
  type EventFilter,
  type EventRecord,
  type EventSummary,
  type OpenJob,
  type TimelineEntry,
} from './records/events';
export { Ledger } from './records/ledger';
export { type KeptEvent, KeptEvents } from './records/kept-events';
export { Outbox, type OutboxEntry, type ParkedEvent } from './records/outbox';
export { Quarantine, type QuarantinedRequest } from './records/quarantine';
export { UsedTokens, type TokenUse } from './records/used-tokens';
export { RunRecords, type RunFilter, type RunRecord, type RunSummary, type RunTask } from './records/runs/run-records';
export { Callbacks, type Callback } from './records/runs/callbacks';
export { Listening, type Listener } from './records/runs/listening';
export { QuotaStore, type QuotaUse, type RateLease } from './records/quotas';
export { RetentionRecords } from './records/retention';
export { countOpenRuns } from './records/runs/open-runs';
export { RunStore, type CallRecord, type OpenCommand } from './records/runs/run-store';
export type { Delivery, InboxRow, Lookup, RunChange, RunRow, RunTaskRow } from './records/runs/run-rows';
export { Restarts, type RunTrace, type TracedTask } from './records/runs/restarts';
export { PastRuns, type PastRun as EndedRun } from './records/runs/past-runs';
export { isTrimmed } from './records/runs/kept-values';
export { Starts } from './records/runs/starts';
export { Usage, type UsageRow } from './records/usage';
export { DataKeys, type KeyInfo } from './vault/data-keys';
export { type DataKey, keyIdOf, type Place } from './vault/envelope';
export { derived, LocalMasterKeys, masterKeyId, type MasterKeys } from './vault/master-key';
export { isUnreadable, Vault } from './vault/vault';
export { EXITS, type Exit } from './tenant-scope/exits';
export { asPlatform, eachInTenants, inTenants } from './tenant-scope/scope';
export { prepareTenantRole, TENANT_ROLE, tenantRoleProblem } from './tenant-scope/tenant-role';
