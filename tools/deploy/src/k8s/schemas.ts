import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CACHE, moduleFolder } from './go-tools';
import { fileOf, type Schema, standalone, strict } from './json-schema';

/** Where the schemas come from: Go modules, which hold more than Go. */
const KUBERNETES = 'k8s.io/kubernetes@v1.34.4';
const CUSTOM = [
  { module: 'github.com/kedacore/keda/v2@v2.21.0', folder: 'config/crd/bases' },
  { module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0', folder: 'example/prometheus-operator-crd' },
  { module: 'sigs.k8s.io/gateway-api@v1.4.0', folder: 'config/crd/standard' },
] as const;

/** Version of Kubernetes that the objects are rendered for and held against. */
export const KUBERNETES_VERSION = KUBERNETES.split('@v')[1]!;

interface CustomResource {
  kind: string;
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

/** The folder with a JSON Schema for every kind of Kubernetes, and of the operators that the chart has objects for. */
export function schemaFolder(): string {
  const versions = [KUBERNETES, ...CUSTOM.map(({ module }) => module)].map((module) => module.split('@')[1]);
  const folder = join(CACHE, `schemas-${versions.join('-')}`);
  if (existsSync(folder)) return folder;
  console.log(`making schemas from ${KUBERNETES} and ${CUSTOM.length} modules of operators`);
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  const write = (kind: { group: string; version: string; kind: string }, schema: Schema) =>
    writeFileSync(join(making, fileOf(kind)), JSON.stringify(schema));
  const openApi = readFileSync(join(moduleFolder(KUBERNETES), 'api/openapi-spec/swagger.json'), 'utf8');
  const { definitions } = JSON.parse(openApi) as { definitions: Record<string, Schema> };
  for (const [name, { 'x-kubernetes-group-version-kind': kinds = [] }] of Object.entries(definitions))
    if (kinds.length === 1) write(kinds[0]!, standalone(name, definitions));
  for (const { module, folder: path } of CUSTOM) {
    const crds = join(moduleFolder(module), path);
    for (const file of readdirSync(crds).filter((name) => name.endsWith('.yaml'))) {
      const { kind, spec } = parse(readFileSync(join(crds, file), 'utf8')) as CustomResource;
      if (kind !== 'CustomResourceDefinition') continue;
      for (const { name: version, schema } of spec.versions)
        write({ group: spec.group, version, kind: spec.names.kind }, strict(withMetadata(schema.openAPIV3Schema)));
    }
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
  return folder;
}

/** A definition says of its metadata only that it is an object. */
function withMetadata(schema: Schema): Schema {
  const metadata: Schema = {
    type: 'object',
    properties: Object.fromEntries(
      ['name', 'namespace']
        .map((name) => [name, { type: 'string' }] as const)
        .concat(
          ['labels', 'annotations'].map(
            (name) => [name, { type: 'object', additionalProperties: { type: 'string' } }] as never,
          ),
        ),
    ),
  };
  return { ...schema, properties: { ...schema.properties, metadata } };
}
