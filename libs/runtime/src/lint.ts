import { adapterNamed, AllowList, bindingSchema, capabilityNames } from '@spillway/adapters';
import {
  type AdapterSpec,
  type FlowSpec,
  type HttpCall,
  type Notify,
  type Resource,
  type RouteSpec,
  sentenceOf,
  type SourceSpec,
  type TenantSpec,
} from '@spillway/contracts';
import { completeDefinition, lintFlow as lintDefinition, type Problem } from '@spillway/flows';
import { compileJq, compileTemplate } from '@spillway/jq';
import { providerNamed, providers } from '@spillway/sources';
import { argumentProblems, OWN_FUNCTIONS } from './lint-arguments';

export interface LintProblem {
  /** `spec.match.where` */
  path: string;
  message: string;
}

/** What a schema cannot see: an unknown provider or wrong options of one, and expressions that are not jq. */
export function lintResource(resource: Resource): LintProblem[] {
  if (resource.kind === 'Tenant') return lintTenant(resource.spec);
  if (resource.kind === 'Source') return lintSource(resource.spec);
  if (resource.kind === 'Route') return lintRoute(resource.spec);
  if (resource.kind === 'Flow') return lintFlow(resource.metadata, resource.spec);
  if (resource.kind === 'Adapter') return lintAdapter(resource.spec);
  return [];
}

function lintTenant({ egress }: TenantSpec): LintProblem[] {
  try {
    AllowList.parse(egress?.allow ?? []);
    return [];
  } catch (error) {
    return [{ path: 'spec.egress.allow', message: (error as Error).message }];
  }
}

function lintSource(spec: SourceSpec): LintProblem[] {
  const provider = providerNamed(spec.provider);
  if (!provider) {
    const known = providers.map((one) => one.name).join(', ');
    return [{ path: 'spec.provider', message: `"${spec.provider}" is not a provider; there are: ${known}` }];
  }
  const problems: LintProblem[] = [];
  const options = provider.options.safeParse(spec.options);
  for (const issue of options.error?.issues ?? []) {
    problems.push({ path: ['spec.options', ...issue.path].join('.'), message: issue.message });
  }
  if (spec.secrets.length === 0 && !provider.secretOptional) {
    problems.push({ path: 'spec.secrets', message: `${provider.title} signs its webhooks: give its secret` });
  }
  return problems;
}

function lintRoute(spec: RouteSpec): LintProblem[] {
  const targets = Array.isArray(spec.to) ? spec.to : [spec.to];
  const where = spec.match.where;
  return [
    ...(where === undefined ? [] : compiles('spec.match.where', () => compileJq(where))),
    ...targets.flatMap((target, index) => lintWork(Array.isArray(spec.to) ? `spec.to.${index}` : 'spec.to', target)),
  ];
}

/** All that is wrong with a flow that is to be published here, warnings too, by JSON pointers into its definition. */
export function flowProblems({ tenant, name }: { tenant: string; name: string }, spec: FlowSpec): Problem[] {
  const names = [...OWN_FUNCTIONS, ...capabilityNames()];
  const { definition } = completeDefinition(tenant, name, spec);
  return lintDefinition(definition, {
    knownFunctions: (one) => names.includes(one),
    functionNames: names,
    argumentProblems,
    published: true,
  });
}

/** With dots in the paths, as those of other documents have. */
function lintFlow(metadata: { tenant: string; name: string }, spec: FlowSpec): LintProblem[] {
  return flowProblems(metadata, spec)
    .filter(({ severity }) => severity === 'error')
    .map((problem) => ({ path: specPath(problem.path), message: sentenceOf(problem) }));
}

/** A JSON pointer into a flow's definition, as the path of a field of its document. */
export function specPath(pointer: string): string {
  return `spec${pointer.replaceAll('/', '.')}`;
}

function lintAdapter({ description: _, ...spec }: AdapterSpec): LintProblem[] {
  const binding = bindingSchema.safeParse(spec);
  if (!binding.success) {
    return binding.error.issues.map(({ path, message }) => ({ path: ['spec', ...path].join('.'), message }));
  }
  try {
    const options = adapterNamed(binding.data.adapter).options.safeParse(binding.data.options);
    return (options.error?.issues ?? []).map(({ path, message }) => ({
      path: ['spec.options', ...path].join('.'),
      message,
    }));
  } catch (error) {
    return [{ path: 'spec.adapter', message: (error as Error).message }];
  }
}

function lintWork(path: string, work: { http?: HttpCall; notify?: Notify }): LintProblem[] {
  const variables = ['secrets', 'task'];
  const fields: [string, unknown][] = [];
  if (work.http)
    fields.push(['http.url', work.http.url], ['http.headers', work.http.headers], ['http.body', work.http.body]);
  if (work.notify?.channel === 'log') fields.push(['notify.message', work.notify.message]);
  if (work.notify?.channel === 'callback')
    fields.push(['notify.url', work.notify.url], ['notify.body', work.notify.body]);
  return fields
    .filter(([, value]) => value !== undefined)
    .flatMap(([field, value]) => compiles(`${path}.${field}`, () => compileTemplate(value, { variables })));
}

function compiles(path: string, compile: () => unknown): LintProblem[] {
  try {
    compile();
    return [];
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
}
