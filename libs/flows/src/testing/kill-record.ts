import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run of the conformance kit came to while workers were killed. */
export interface KillReport {
  scenarios: number;
  runs: number;
  kills: number;
  wrong: number;
  seconds: number;
  /** The day it was measured. */
  at: string;
}

/** By queue backend. */
export type KillRecord = Record<string, KillReport>;

const DOCS = join(__dirname, '../../../../docs/flows');
const RECORD = join(DOCS, 'conformance-kills.json');
export const CONFORMANCE_PAGE = join(DOCS, 'conformance.md');
const [BEGIN, END] = ['<!-- kills -->', '<!-- /kills -->'];

export function readKills(): KillRecord {
  return existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, 'utf8')) as KillRecord) : {};
}

/** Keeps what was measured, and says so on the page. */
export function recordKills(backend: string, measured: Omit<KillReport, 'at'>): void {
  const { scenarios, runs, kills, wrong, seconds } = measured;
  const at = new Date().toISOString().slice(0, 10);
  const known: KillRecord = { ...readKills(), [backend]: { scenarios, runs, kills, wrong, seconds, at } };
  const record = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  const page = readFileSync(CONFORMANCE_PAGE, 'utf8');
  const [before, rest = ''] = page.split(BEGIN);
  writeFileSync(CONFORMANCE_PAGE, `${before}${killsTable(record)}${rest.slice(rest.indexOf(END) + END.length)}`);
}

/** With its marks. */
export function killsTable(record: KillRecord): string {
  const rows = Object.entries(record).map(
    ([backend, { scenarios, runs, kills, wrong, seconds, at }]) =>
      `| ${backend} | ${scenarios} | ${runs} | ${kills} | ${wrong} | ${seconds} s | ${at} |`,
  );
  const head =
    '| queues on | scenarios | runs | workers killed | came out otherwise | took | on |\n|---|---|---|---|---|---|---|';
  return `${BEGIN}\n${head}\n${rows.join('\n')}\n${END}`;
}
