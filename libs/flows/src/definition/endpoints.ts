import { at, type Fields, fieldsOf, isFields } from './json';
import { pointerTo } from './pointer';
import type { Sites } from './sites';

/** A value and where it is. */
export interface Found {
  path: string;
  value: unknown;
}

/** What `call` may name besides functions. */
export const CALLS = ['http', 'openapi', 'grpc', 'asyncapi', 'mcp', 'a2a'];

const SCHEMAS = ['input', 'output', 'export'];
const POLICIES = ['basic', 'bearer', 'digest', 'oauth2', 'oidc'];

/** The `schema` of every input, output and export. */
export function schemasOf(definition: unknown, { tasks }: Sites): Found[] {
  const within = (root: unknown, path: string, ...keys: string[]) =>
    SCHEMAS.map((what) => found(root, path, ...keys, what, 'schema'));
  return [
    ...within(definition, ''),
    ...tasks.flatMap(({ task, path }) => [
      ...within(task, path),
      ...within(task, path, 'foreach'),
      ...(task['call'] === 'asyncapi' ? within(task, path, 'with', 'subscription', 'foreach') : []),
    ]),
  ].filter(({ value }) => isFields(value));
}

/** Every authentication policy: those of `use`, and those of endpoints. */
export function authenticationsOf(definition: unknown, sites: Sites): Found[] {
  const reusable = Object.entries(fieldsOf(at(definition, 'use', 'authentications'))).map(([name, value]) => ({
    path: pointerTo('/use/authentications', name),
    value,
  }));
  const catalogs = Object.entries(fieldsOf(at(definition, 'use', 'catalogs'))).map(([name, value]) =>
    found(value, pointerTo('/use/catalogs', name), 'endpoint', 'authentication'),
  );
  const schemas = schemasOf(definition, sites).map(({ path, value }) =>
    found(value, path, 'resource', 'endpoint', 'authentication'),
  );
  const calls = sites.tasks.flatMap(({ task, path }) => {
    // What a function is called with is its own affair.
    const places = PLACES.filter(([first]) => first !== 'with' || CALLS.some((call) => call === task['call']));
    return places.map((keys) => found(task, path, ...keys));
  });
  return [...reusable, ...catalogs, ...schemas, ...calls].filter(({ value }) => isFields(value));
}

/** Where tasks have authentication policies. */
const PLACES = [
  ['with', 'endpoint', 'authentication'],
  ['with', 'authentication'],
  ['with', 'document', 'endpoint', 'authentication'],
  ['with', 'proto', 'endpoint', 'authentication'],
  ['with', 'service', 'authentication'],
  ['with', 'transport', 'http', 'endpoint', 'authentication'],
  ['run', 'script', 'source', 'endpoint', 'authentication'],
];

/** Names of secrets that an authentication policy takes its properties from (`basic: { use: SECRET }`). */
export function secretsOf(policy: unknown): { keys: string[]; name: string }[] {
  return POLICIES.flatMap((kind) => {
    const name = at(policy, kind, 'use');
    return typeof name === 'string' ? [{ keys: [kind, 'use'], name }] : [];
  });
}

function found(root: unknown, path: string, ...keys: string[]): Found {
  return { path: pointerTo(path, ...keys), value: at(root, ...keys) };
}

export function namesOf(definition: unknown, component: string): string[] {
  return Object.keys(fieldsOf(at(definition, 'use', component)) satisfies Fields);
}

/** `use.secrets`. */
export function secretNames(definition: unknown): string[] {
  const secrets = at(definition, 'use', 'secrets');
  return Array.isArray(secrets) ? secrets.filter((name): name is string => typeof name === 'string') : [];
}
