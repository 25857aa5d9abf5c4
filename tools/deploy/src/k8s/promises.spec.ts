import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type KubernetesObject } from './chart';
import { strict } from './json-schema';
import { brokenPromises } from './promises';

const TEXT = readFileSync(join(__dirname, '../../../../k8s/snapshots/high-availability.yaml'), 'utf8');

/** What is broken once the chart's text is changed so. */
function broken(from: string | RegExp = '', to = ''): string[] {
  const text = TEXT.replaceAll(from instanceof RegExp ? from : new RegExp(from, 'g'), to);
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  return brokenPromises({ name: 'test', text, objects });
}

describe('what we promise of the chart', () => {
  it('holds', () => expect(broken()).toEqual([]));

  it.each([
    [/readinessProbe:/g, 'spareProbe:', /worker-ingress: has no readinessProbe/],
    [/runAsNonRoot: true/g, 'runAsNonRoot: false', /migrations: may run as root/],
    [/readOnlyRootFilesystem: true/g, '', /admin: can write to its root/],
    [/automountServiceAccountToken: false/g, '', /ingress-api: gets a token/],
    [/memory: 512Mi/g, '', /worker-analytics: has no limits of memory/],
    [/value: 80s/g, 'value: 79s', /worker-orchestration: drains for 79 s, and its longest attempt takes 80 s/],
    [/terminationGracePeriodSeconds: 95/g, 'terminationGracePeriodSeconds: 90', /is killed after 90 s/],
    [/name: LOG_LEVEL/g, 'name: LOG_LEVELS', /sets LOG_LEVELS, which libs\/config does not know/],
    [/name: DATABASE_URL_FILE/g, 'name: DATABASE_URL', /has DATABASE_URL in its environment/],
    [
      /scaleTargetRef:\s*\{?\s*name: \S+-worker-ingress\b/g,
      'scaleTargetRef: { name: other',
      /scales other, which is not/,
    ],
    [/revisionHistoryLimit: 5/g, 'replicas: 2', /and its scaler both say how many/],
  ])('breaks with %s → %s', (from, to, says) => {
    expect(broken(from, to).join('\n')).toMatch(says);
  });
});

describe('a schema made strict', () => {
  it('refuses fields that it does not know, but not where any may be', () => {
    expect(strict({ type: 'object', properties: { a: { type: 'string' } } }).additionalProperties).toBe(false);
    expect(strict({ type: 'object', additionalProperties: { type: 'string' } }).additionalProperties).toEqual({
      type: 'string',
    });
    expect(
      strict({ properties: {}, 'x-kubernetes-preserve-unknown-fields': true }).additionalProperties,
    ).toBeUndefined();
  });

  it('takes numbers where Kubernetes does', () => {
    expect(strict({ type: 'string', format: 'int-or-string' }).anyOf).toHaveLength(2);
  });
});
