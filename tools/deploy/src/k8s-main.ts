import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@spillway/contracts';
import { CHART, lint, render, type Rendered, validate, valueFiles } from './k8s/chart';
import { program, requireGo } from './k8s/go-tools';
import { brokenPromises } from './k8s/promises';
import { refusals, typos } from './k8s/refusals';
import { schemaFolder } from './k8s/schemas';

const SNAPSHOTS = 'k8s/snapshots';

/**
 * `npm run check:k8s`: the chart through the real helm for every file of values, each object against the schemas of
 * Kubernetes and of the operators, what we promise of them, and the rendered text against k8s/snapshots.
 * With `--write` the snapshots are written anew: their diff is what a change of the chart does.
 */
function main(): void {
  const write = process.argv.includes('--write');
  const began = performance.now();
  requireGo();
  const helm = program('helm');
  const kubeconform = program('kubeconform');
  const schemas = schemaFolder();
  const problems: string[] = [];
  const names = valueFiles();
  for (const name of names) {
    lint(helm, name);
    const rendered = render(helm, name);
    validate(kubeconform, schemas, rendered);
    problems.push(...brokenPromises(rendered).map((problem) => `${name}: ${problem}`));
    if (write) writeSnapshot(rendered);
    else if (!isAsBefore(rendered))
      problems.push(`${name}: not as in ${SNAPSHOTS}: npm run check:k8s -- --write, and look at the diff`);
  }
  // What the other files do not turn on.
  const all = ['monitoring.serviceMonitor', 'monitoring.prometheusRule', 'monitoring.dashboards', 'ingress.enabled'];
  validate(kubeconform, schemas, {
    ...render(helm, 'default', ...all.flatMap((one) => ['--set', `${one}=true`])),
    name: 'everything on',
  });
  problems.push(...refusals(helm), ...typos(kubeconform, schemas, render(helm, 'high-availability')));
  for (const stray of strays(names)) problems.push(`${stray} is of no file of values`);
  console.log(`${CHART}: ${names.length} files of values, ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  if (problems.length === 0) return;
  console.error(problems.join('\n'));
  process.exitCode = 1;
}

const snapshotOf = (name: string) => join(SNAPSHOTS, `${name}.yaml`);

function writeSnapshot({ name, text }: Rendered): void {
  mkdirSync(SNAPSHOTS, { recursive: true });
  writeFileSync(snapshotOf(name), text);
}

function isAsBefore({ name, text }: Rendered): boolean {
  return existsSync(snapshotOf(name)) && readFileSync(snapshotOf(name), 'utf8') === text;
}

function strays(names: string[]): string[] {
  if (!existsSync(SNAPSHOTS)) return [];
  return readdirSync(SNAPSHOTS).filter((file) => !names.includes(file.replace(/\.yaml$/, '')));
}

try {
  main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
