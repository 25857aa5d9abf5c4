import { spawnSync } from 'node:child_process';
import { CHART, type Rendered, validate } from './chart';
import { KUBERNETES_VERSION } from './schemas';

/** Mistakes that values.schema.json must name, each with what helm has to say of it. */
const MISTAKES: { set: string; says: RegExp }[] = [
  { set: 'replicaCount=3', says: /replicaCount/ },
  { set: 'roles.worker-ingres.replicas=3', says: /worker-ingres/ },
  { set: 'roleDefaults.resources.limit.cpu=1', says: /limit/ },
  { set: 'config.REDIS_ULR=redis://x', says: /REDIS_ULR/ },
  { set: 'config.SPILLWAY_KEY=00', says: /SPILLWAY_KEY/ },
  { set: 'config.DATABASE_POOL=5', says: /DATABASE_POOL/ },
  { set: 'secrets.existingSecret=', says: /existingSecret/ },
  { set: 'autoscaling.mode=sometimes', says: /mode/ },
  { set: 'roles.admin.partitionGroups[0].name=a', says: /partitions/ },
];

/** @returns the mistakes that went through, in words */
export function refusals(helm: string): string[] {
  return MISTAKES.flatMap(({ set, says }) => {
    const { status, stderr } = spawnSync(
      helm,
      ['template', 'x', CHART, '--kube-version', KUBERNETES_VERSION, '--set', set],
      { encoding: 'utf8' },
    );
    if (status !== 0 && says.test(stderr)) return [];
    return [`values.schema.json lets ${set} through, or does not name it: ${stderr.trim().split('\n')[0]}`];
  });
}

/** Fields of kinds of ours, with a letter missing: the schemas must not let them through. */
const FIELDS = ['maxUnavailable', 'terminationGracePeriodSeconds', 'minReplicaCount', 'podTargetLabels', 'policyTypes'];

/** @returns the fields whose typing error was not found, in words */
export function typos(kubeconform: string, schemas: string, rendered: Rendered): string[] {
  return FIELDS.flatMap((field) => {
    const text = rendered.text.replaceAll(`${field}:`, `${field.slice(0, -1)}:`);
    try {
      validate(kubeconform, schemas, { ...rendered, text });
    } catch {
      return [];
    }
    return [text === rendered.text ? `${field} is in no object` : `the schemas let ${field.slice(0, -1)} through`];
  });
}
