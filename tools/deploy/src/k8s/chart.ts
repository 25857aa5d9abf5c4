import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { KUBERNETES_VERSION } from './schemas';

export const CHART = 'k8s/spillway';
export const VALUES = 'k8s/values';

/** What one file of values makes of the chart. */
export interface Rendered {
  name: string;
  text: string;
  objects: KubernetesObject[];
}

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

/** The files of values, by name, without their ending. */
export function valueFiles(): string[] {
  return readdirSync(VALUES)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

/** @throws Error with what helm says */
export function lint(helm: string, name: string): void {
  call(helm, ['lint', '--strict', '--quiet', '--kube-version', KUBERNETES_VERSION, CHART, '-f', fileOf(name)]);
}

/** @throws Error with what helm says */
export function render(helm: string, name: string, ...more: string[]): Rendered {
  const where = ['spillway', CHART, '--namespace', 'spillway', '--kube-version', KUBERNETES_VERSION];
  const text = call(helm, ['template', ...where, '-f', fileOf(name), ...more]);
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
  return { name, text, objects };
}

/** Every object against its schema; a kind without one is an error. @throws Error with what is wrong */
export function validate(kubeconform: string, schemas: string, { text, name }: Rendered): void {
  const location = join(schemas, '{{ .ResourceKind }}{{ .KindSuffix }}.json');
  const { status, stdout, stderr } = spawnSync(
    kubeconform,
    ['-strict', '-schema-location', location, '-kubernetes-version', KUBERNETES_VERSION, '-summary', '-'],
    { input: text, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${name}: ${stdout}${stderr}`);
  console.log(`${name.padEnd(18)} ${stdout.trim()}`);
}

const fileOf = (name: string) => join(VALUES, `${name}.yaml`);

function call(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`helm ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}
