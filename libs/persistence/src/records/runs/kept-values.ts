import type { Place } from '../../vault/envelope';
import type { Vault } from '../../vault/vault';

/** What a timeline keeps of a value, in characters of JSON: a loop over a large list would keep it once an iteration. */
const MOST_CHARACTERS = 32_768;

/** A value as a timeline keeps it; null where there is none. */
export function kept(vault: Vault, tenant: string, place: Place, value: unknown): string | null {
  return value === undefined ? null : vault.text(tenant, place, trimmed(JSON.stringify(value)), value);
}

function trimmed(json: string): string {
  if (json.length <= MOST_CHARACTERS) return json;
  return JSON.stringify({ truncated: true, characters: json.length, begin: json.slice(0, 1_000) });
}

/** Whether a timeline has the beginning of a value only. */
export function isTrimmed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { truncated, characters, begin } = value as Record<string, unknown>;
  return truncated === true && Number(characters) > MOST_CHARACTERS && typeof begin === 'string';
}
