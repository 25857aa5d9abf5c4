import type { AppliedResource } from '@spillway/tenancy';
import { Command } from 'commander';
import { Client } from '../client';
import { readDocuments } from '../documents';

export const applyCommand = new Command('apply')
  .description('Brings the platform to what YAML documents say')
  .requiredOption('-f, --file <path...>', 'files, or folders of .yaml and .yml')
  .option('--dry-run', 'only tells what would change', false)
  .action(async ({ file, dryRun }: { file: string[]; dryRun: boolean }) => {
    const documents = await readDocuments(file, process.env);
    const body = { documents: documents.map((one) => one.resource), dryRun };
    const { applied } = await Client.fromEnvironment().post<{ applied: AppliedResource[] }>('/apply', body);
    for (const one of applied) process.stdout.write(describe(one));
    const changed = applied.filter((one) => one.action !== 'unchanged').length;
    process.stdout.write(
      `${changed} changed, ${applied.length - changed} unchanged${dryRun ? ' (dry run: nothing was done)' : ''}\n`,
    );
  });

const SIGNS = { created: '+', updated: '~', unchanged: ' ' };

function describe({ action, kind, tenant, name, changes, token }: AppliedResource): string {
  const lines = [
    `${SIGNS[action]} ${kind} ${kind === 'Tenant' || kind === 'Plan' ? name : `${tenant}/${name}`} ${action}`,
  ];
  if (action === 'updated') {
    for (const { path, before, after } of changes) lines.push(`    ${path}: ${show(before)} → ${show(after)}`);
  }
  if (token) lines.push(`    key: ${token}   (shown this once)`);
  return `${lines.join('\n')}\n`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? '(none)';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
