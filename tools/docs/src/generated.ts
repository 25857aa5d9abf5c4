import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_VARIABLES, variablesSchema } from '@spillway/config';
import { type QueueDefinition, queueCatalogue } from '@spillway/queues';
import { z } from 'zod';
import { CHART_SCHEMA, chartPage, chartSchema } from './chart';

/** Pages that are made from code, by path. */
export function generated(): Record<string, string> {
  return {
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
    [CHART_SCHEMA]: chartSchema(),
    'k8s/spillway/README.md': chartPage(readFileSync('k8s/spillway/values.yaml', 'utf8')),
  };
}

function configurationPage(): string {
  const { properties = {} } = z.toJSONSchema(variablesSchema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, { default?: string | number | boolean; description?: string }>;
  };
  const shape = variablesSchema.shape as Record<string, z.ZodType>;
  const rows = Object.entries(properties).map(([name, { default: fallback }]) => {
    const said = shape[name]?.description ?? '';
    return `| \`${name}\` | ${fallback === undefined ? '' : `\`${shorten(String(fallback))}\``} | ${said} |`;
  });
  return [
    '# Configuration',
    '',
    'Made from `libs/config/src/variables.ts` by `npm run docs`. Durations: `250ms`, `10s`, `5m`, `2h`, `30d`.',
    `A secret may come as a file: ${SECRET_VARIABLES.map((name) => `\`${name}_FILE\``).join(', ')} name one.`,
    '',
    '| variable | default | what it does |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...queueLines(),
    '',
  ].join('\n');
}

function queueLines(): string[] {
  const seconds = (ms: number) => (ms < 60_000 ? `${ms / 1_000} s` : `${ms / 60_000} min`);
  const row = ({ name, attempts, backoffMs, maxBackoffMs, timeoutMs, concurrency }: QueueDefinition) =>
    `| ${[`\`${name}\``, attempts, seconds(backoffMs), seconds(maxBackoffMs), seconds(timeoutMs), concurrency].join(' | ')} |`;
  return [
    '## Queues: attempts, pauses, time limits',
    '',
    'Made from `libs/queues/src/catalogue.ts`. The pause doubles with each attempt up to the longest; half of it is random',
    '(`libs/queues/src/backoff.ts`), and it is never shorter than a third party asked for (`Retry-After`). After the last attempt the',
    'job is a dead letter. Override with `SPILLWAY_QUEUES`: `attempts`, `backoffMs`, `maxBackoffMs`, `timeoutMs`, `concurrency`.',
    '',
    '| queue | attempts | first pause | longest pause | limit of one attempt | jobs at once in a process |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.values(queueCatalogue()).map(row),
  ];
}

function shorten(text: string): string {
  return text.length > 40 ? 'all' : text;
}

const RAISED = /new (Permanent|Transient|RateLimited|BadRequest|Spillway)Error\(/g;

/** Every code that is raised with a literal, with where it is raised. */
function errorsPage(): string {
  const codes = new Map<string, Set<string>>();
  for (const lib of readdirSync('libs')) {
    for (const entry of readdirSync(join('libs', lib, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts') || entry.endsWith('.spec.ts')) continue;
      const text = readFileSync(join('libs', lib, 'src', entry), 'utf8');
      if (text.search(RAISED) < 0) continue;
      for (const [, code] of text.matchAll(/code: '([a-z0-9-]+)'/g))
        codes.set(code!, (codes.get(code!) ?? new Set()).add(lib));
    }
  }
  const rows = [...codes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, libs]) => `| \`${code}\` | ${[...libs].join(', ')} |`);
  return [
    '# Errors',
    '',
    'Every error has a stable code; over HTTP it leaves as RFC 9457 problem details with `code`, `detail` (what went wrong this',
    'time) and `remedy` (what to do). In the ledger and the dead letters it also has a class:',
    '',
    '- **transient**: tried again with backoff. **rate-limited**: tried again when the other side says so.',
    '- **permanent**: to the dead letters at once. **poison**: it killed its workers, and its own process.',
    '',
    '`http-NNN` stands for the status a third party answered with. Made from the code by `npm run docs`:',
    '',
    '| code | raised in |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
