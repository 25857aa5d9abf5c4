import { SECRET_VARIABLES, variablesSchema } from '@spillway/config';
import type { Role } from '@spillway/contracts';
import { queueCatalogue } from '@spillway/queues';
import { isWorkerRole, QUEUE_OF_ROLE } from '@spillway/workers';
import type { KubernetesObject, Rendered } from './chart';

interface Container {
  name: string;
  args: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  livenessProbe?: unknown;
  readinessProbe?: unknown;
  startupProbe?: unknown;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown> & { capabilities?: { drop?: string[] } };
}

interface PodSpec {
  automountServiceAccountToken?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: Record<string, unknown> & { seccompProfile?: { type: string } };
  containers: Container[];
}

/** After its drain a process gives up by itself: `GRACE_MS` in libs/runtime. */
const GIVES_UP_AFTER_S = 10;
/** What an isolated job may take beyond its timeout: `START_MS` in libs/workers. */
const ISOLATION_S = 20;
/** A request that began is answered within that: `requestTimeout` in libs/ingress. */
const REQUEST_S = 30;

const KNOWN = new Set([...Object.keys(variablesSchema.shape), ...SECRET_VARIABLES.map((name) => `${name}_FILE`)]);

/** What the schemas do not say of the chart's objects, and must hold all the same. @returns what does not, in words */
export function brokenPromises({ objects }: Rendered): string[] {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  return [
    ...objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').flatMap(ofPods),
    ...deployments.flatMap(ofDeployment),
    ...ofNames(objects),
    ...(objects.some(({ kind }) => kind === 'Secret') ? ['there is a Secret among the objects'] : []),
  ];
}

function podOf({ spec }: KubernetesObject): PodSpec {
  return (spec['template'] as { spec: PodSpec }).spec;
}

/** Of every pod, that of the migrations too. */
function ofPods(object: KubernetesObject): string[] {
  const pod = podOf(object);
  const found: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) found.push(`${object.kind} ${object.metadata.name}: ${what}`);
  };
  must(pod.securityContext?.['runAsNonRoot'] === true, 'may run as root');
  must(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'has no seccomp profile');
  must(pod.automountServiceAccountToken === false, 'gets a token of its service account');
  for (const { securityContext, resources, env = [] } of pod.containers) {
    must(securityContext?.['readOnlyRootFilesystem'] === true, 'can write to its root');
    must(securityContext?.['allowPrivilegeEscalation'] === false, 'may gain privileges');
    must(securityContext?.capabilities?.drop?.includes('ALL') === true, 'has capabilities');
    for (const kind of ['requests', 'limits'] as const)
      for (const unit of ['cpu', 'memory']) must(Boolean(resources?.[kind]?.[unit]), `has no ${kind} of ${unit}`);
    for (const { name } of env)
      must(KNOWN.has(name) || name.startsWith('OTEL_'), `sets ${name}, which libs/config does not know`);
    const secret = env.find(({ name }) => (SECRET_VARIABLES as readonly string[]).includes(name));
    must(!secret, `has ${secret?.name} in its environment`);
    must(new Set(env.map(({ name }) => name)).size === env.length, 'sets a variable twice');
  }
  return found;
}

function ofDeployment(object: KubernetesObject): string[] {
  const pod = podOf(object);
  const [container] = pod.containers as [Container];
  const found: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) found.push(`Deployment ${object.metadata.name}: ${what}`);
  };
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const)
    must(Boolean(container[probe]), `has no ${probe}`);
  const value = (name: string) => container.env?.find((one) => one.name === name)?.value;
  const drain = Number.parseInt(value('DRAIN_TIMEOUT') ?? '0', 10);
  const longest = longestSeconds(container.args[0] as Role, value('SPILLWAY_QUEUES'));
  must(drain >= longest, `drains for ${drain} s, and its longest attempt takes ${longest} s`);
  const grace = pod.terminationGracePeriodSeconds ?? 0;
  must(grace > drain + GIVES_UP_AFTER_S, `is killed after ${grace} s, and drains for ${drain} s`);
  return found;
}

/** How long what runs in a role may take, by libs/queues. */
function longestSeconds(role: Role, overrides: string | undefined): number {
  if (!isWorkerRole(role)) return REQUEST_S;
  const catalogue = queueCatalogue(overrides ? (JSON.parse(overrides) as never) : {});
  return catalogue[QUEUE_OF_ROLE[role]].timeoutMs / 1_000 + ISOLATION_S;
}

/** What points at something by its name points at something that is there. */
function ofNames(objects: KubernetesObject[]): string[] {
  const found: string[] = [];
  const names = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  if (names.size < objects.length) found.push('two objects have the same kind and name');
  const scaled = new Set<string>();
  for (const { kind, metadata, spec } of objects) {
    const target = (spec as { scaleTargetRef?: { name: string } } | undefined)?.scaleTargetRef?.name;
    if (target && !names.has(`Deployment/${target}`))
      found.push(`${kind} ${metadata.name} scales ${target}, which is not`);
    if (target) scaled.add(target);
  }
  for (const { kind, metadata, spec } of objects)
    if (kind === 'Deployment' && scaled.has(metadata.name) === 'replicas' in spec)
      found.push(
        `Deployment ${metadata.name} ${'replicas' in spec ? 'and its scaler both say' : 'does not say'} how many`,
      );
  return found;
}
