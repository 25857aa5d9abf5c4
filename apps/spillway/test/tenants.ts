import { API_VERSION, resourceSchema } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { hmacProvider } from '@spillway/sources';
import { eventually, type ThirdParty } from '@spillway/testing';
import { post, type Stack } from './stack';

const SECRET = 'partitions';
export const TENANTS = ['acme', 'globex', 'initech', 'hooli', 'umbrella', 'stark', 'wayne', 'tyrell'];

/** For each tenant: a source, a flow that calls, waits and emits, and routes to it and straight to the third party. */
export function documents(other: ThirdParty) {
  const flow = {
    do: [
      { first: { call: 'http', with: { method: 'post', endpoint: `${other.url}/first`, body: '${ .id }' } } },
      { nap: { wait: { milliseconds: 20 } } },
      { note: { emit: { event: { with: { source: 'https://x', type: 'noted', data: '${ $workflow.input.id }' } } } } },
      { second: { call: 'http', with: { method: 'post', endpoint: `${other.url}/second` } } },
    ],
  };
  const to = (path: string, attempts = 2) => ({ http: { url: `${other.url}${path}` }, attempts });
  return TENANTS.flatMap((tenant) => {
    const one = (kind: string, name: string, spec: unknown) =>
      resourceSchema.parse({ apiVersion: API_VERSION, kind, metadata: { tenant, name }, spec });
    return [
      resourceSchema.parse({ apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: tenant }, spec: {} }),
      one('Source', 'in', { provider: 'hmac', secrets: [{ value: SECRET }], options: { idPath: 'id' } }),
      one('Flow', 'all', flow),
      one('Route', 'flow', { match: { provider: 'hmac' }, to: { flow: 'all' } }),
      one('Route', 'call', { match: { provider: 'hmac' }, to: to(`/call/${tenant}`) }),
      one('Route', 'noted', { match: { types: ['noted'] }, to: to(`/noted/${tenant}`) }),
      one('Route', 'tick', { match: { types: ['tick'] }, to: to(`/tick/${tenant}`) }),
    ];
  });
}

export async function send(stack: Stack, tenant: string, id: string) {
  const body = JSON.stringify({ id });
  const url = `${stack.ingress}/v1/in/${tenant}/in`;
  const options = hmacProvider.options.parse({ idPath: 'id' });
  const sample = { type: 'x', contentType: 'application/json', body };
  const { headers } = hmacProvider.sign(sample, { url, keys: { secrets: [SECRET] }, options, now: Date.now() });
  const answer = await post(url, body, { ...headers, 'content-type': 'application/json' });
  expect(answer.status).toBe(202);
  return answer.json<{ id: string; duplicate: boolean }>();
}

export function inState(stack: Stack, id: string, state: string, withinMs?: number): Promise<EventRecord> {
  return eventually(
    async () => {
      const record = await stack.client.get<EventRecord>(`/events/${id}`);
      return record.state === state ? record : undefined;
    },
    { what: `${state} of ${id}`, withinMs },
  );
}
