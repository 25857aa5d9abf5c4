import { authenticationsOf, namesOf, secretNames, secretsOf } from './endpoints';
import { at } from './json';
import { unlistedSecret } from './lint-expressions';
import { didYouMean } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import type { Sites } from './sites';

/** Names that must be defined under `use`. Functions and catalogs: lint-functions.ts. */
export function lintReferences(definition: unknown, sites: Sites): Problem[] {
  const components = ['timeouts', 'errors', 'retries', 'authentications'] as const;
  const defined = new Map(components.map((component) => [component, namesOf(definition, component)]));
  const refer = (path: string, name: unknown, component: (typeof components)[number]): Problem[] => {
    const names = defined.get(component)!;
    if (typeof name !== 'string' || names.includes(name)) return [];
    if (component === 'timeouts' && /^P/.test(name)) {
      return [errorAt(path, `${placeOf(path)} is the duration ${name}`, `Write timeout: { after: ${name} }.`)];
    }
    const message = `${placeOf(path)} names "${name}", which use.${component} does not have${didYouMean(name, names)}`;
    return [errorAt(path, message, `Define it under use.${component}.`)];
  };
  const secrets = secretNames(definition);
  return [
    ...refer('/timeout', at(definition, 'timeout'), 'timeouts'),
    ...sites.tasks.flatMap(({ task, path }) => [
      ...refer(pointerTo(path, 'timeout'), task['timeout'], 'timeouts'),
      ...refer(pointerTo(path, 'raise', 'error'), at(task, 'raise', 'error'), 'errors'),
      ...refer(pointerTo(path, 'catch', 'retry'), at(task, 'catch', 'retry'), 'retries'),
    ]),
    ...authenticationsOf(definition, sites).flatMap(({ path, value }) => [
      ...refer(pointerTo(path, 'use'), at(value, 'use'), 'authentications'),
      ...secretsOf(value)
        .filter(({ name }) => !secrets.includes(name))
        .map(({ keys, name }) => unlistedSecret(pointerTo(path, ...keys), name, secrets)),
    ]),
  ];
}
