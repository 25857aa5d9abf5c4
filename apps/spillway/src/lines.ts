/** Columns under their names, as wide as what is in them. */
export function table(names: string[], rows: string[][]): string {
  const widths = names.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]!.length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd();
  return `${[names, ...rows].map(line).join('\n')}\n`;
}

/** `2026-11-21 10:22`, UTC. */
export function dayTime(time: string | null | undefined): string {
  return time ? time.slice(0, 16).replace('T', ' ') : '-';
}
