import { readFileSync } from 'node:fs';
import { SECRET_VARIABLES, variablesSchema } from '@spillway/config';
import { isMap, parseDocument, type Pair, type Scalar } from 'yaml';

export const CHART_SCHEMA = 'k8s/spillway/values.schema.json';

/** Set by the chart itself, from values of their own. */
const CHARTS_OWN = ['SPILLWAY_ROLES', 'SPILLWAY_PARTITIONS', 'WORKER_PARTITIONS', 'DRAIN_TIMEOUT'];
/** Of a checkout, or what the image fixes. */
const NOT_IN_AN_IMAGE = [
  'NODE_ENV',
  'SPILLWAY_DIR',
  'DEMO',
  'DEMO_PORT',
  'HOST',
  'INGRESS_PORT',
  'ADMIN_PORT',
  'HEALTH_PORT',
];

/** The schema of the chart's values, with the names that `config` and `env` may have: a typing error is found by helm. */
export function chartSchema(): string {
  const schema = JSON.parse(readFileSync(CHART_SCHEMA, 'utf8')) as {
    definitions: { variables: { properties: Record<string, { type: string }> } };
  };
  const left = new Set<string>([...SECRET_VARIABLES, ...CHARTS_OWN, ...NOT_IN_AN_IMAGE]);
  const names = Object.keys(variablesSchema.shape).filter((name) => !left.has(name));
  schema.definitions.variables.properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The chart's README: every value, its default, and the comment above it in values.yaml. */
export function chartPage(values: string): string {
  const { contents } = parseDocument(values);
  return [
    '# The Spillway chart',
    '',
    'One Deployment per role, migrations as a hook, KEDA or HPA, budgets, network policies, monitors. How to install it:',
    '[docs/operate/kubernetes.md](../../docs/operate/kubernetes.md). Files of values: [k8s/values](../values); what they render',
    'to: [k8s/snapshots](../snapshots). `npm run check:k8s` checks it all; `npm run check:k8s -- --write` writes the snapshots.',
    '',
    'Made from values.yaml by `npm run docs`.',
    '',
    '| value | default | what it does |',
    '| --- | --- | --- |',
    ...(isMap(contents) ? contents.items.flatMap((pair) => rowsOf(pair as never, [])) : []),
    '',
  ].join('\n');
}

/** A value with a comment is a row; one without is looked into. */
function rowsOf(
  pair: Pair<Scalar<string>, { toJSON(): unknown; commentBefore?: string }>,
  above: string[],
  first?: string,
): string[] {
  const path = [...above, pair.key.value];
  // The parser gives the first key's comment to the map around it.
  const comment = pair.key.commentBefore ?? first ?? '';
  const said = comment
    .split(/^ -- /m)[1]
    ?.replace(/\s*\n\s*/g, ' ')
    .trim();
  if (!said && isMap(pair.value)) {
    const inner = pair.value.commentBefore ?? undefined;
    return pair.value.items.flatMap((one, index) => rowsOf(one as never, path, index === 0 ? inner : undefined));
  }
  const value = JSON.stringify(pair.value?.toJSON() ?? null);
  const shown = value.length > 60 ? 'see values.yaml' : `\`${value}\``;
  return [`| \`${path.join('.')}\` | ${shown} | ${(said ?? '').replaceAll('|', '\\|')} |`];
}
