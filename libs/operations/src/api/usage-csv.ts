import type { UsageRow } from '@spillway/persistence';

const COLUMNS = ['tenant', 'day', 'source', 'metric', 'count', 'bytes', 'changedAt'] as const;

/** RFC 4180, with a header line. */
export function usageCsv(rows: UsageRow[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => field(row[column])).join(','));
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}

function field(value: string | number | Date): string {
  const text = value instanceof Date ? value.toISOString() : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
