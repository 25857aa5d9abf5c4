import { messageOf } from '@spillway/contracts';
import type { Intake } from '@spillway/intake';
import { asPlatform, type QuarantinedRequest } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { type Caller, canSee, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { beforeField, idParams, limitField, tenantField } from './fields';

const MOST_AT_ONCE = 500;

export function quarantineEndpoints(platform: Platform, intake: Intake): Endpoint[] {
  const find = async (id: string, principal: Caller): Promise<QuarantinedRequest> => {
    const held = await platform.quarantine.find(id).catch(() => undefined);
    return held && canSee(principal, held.tenant) ? held : notFound(`quarantined request ${id}`);
  };
  return [
    endpoint({
      method: 'GET',
      path: '/quarantine',
      scope: 'quarantine:read',
      summary: 'Requests that failed verification, newest first',
      shows: 'traces',
      query: z.object({
        tenant: tenantField,
        source: z.string().optional(),
        state: z.enum(['held', 'released']).optional(),
        before: beforeField,
        limit: limitField,
      }),
      handle: async ({ query, principal }) => ({
        requests: await platform.quarantine.list({ ...query, tenant: tenantFor(principal, query.tenant) }),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/quarantine/{id}',
      scope: 'quarantine:read',
      summary: 'One quarantined request with headers and body',
      shows: 'payloads',
      params: idParams,
      handle: async ({ params, principal }) => {
        const { body, ...rest } = await find(params.id, principal);
        return { ...rest, body: body.toString('utf8'), bodyBase64: body.toString('base64') };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/quarantine/{id}/release',
      scope: 'quarantine:write',
      action: 'quarantine.release',
      shows: 'traces',
      summary: 'Verifies a request again, as at the time it came in, and accepts its events',
      params: idParams,
      handle: async ({ params, principal, note }) => {
        const held = await find(params.id, principal);
        note({ tenant: held.tenant, target: held.id });
        const events = await release(platform, intake, held);
        return { id: held.id, events };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/quarantine/release',
      scope: 'quarantine:write',
      action: 'quarantine.release',
      shows: 'traces',
      summary: `Verifies the held requests of a source again, ${MOST_AT_ONCE} at most, oldest last`,
      body: z.strictObject({ tenant: tenantField, source: z.string() }),
      handle: async ({ body, principal, note }) => {
        const tenant = tenantFor(principal, body.tenant);
        const rows = await platform.quarantine.list({
          tenant,
          source: body.source,
          state: 'held',
          limit: MOST_AT_ONCE,
        });
        const released: string[] = [];
        const refused: { id: string; reason: string }[] = [];
        for (const { id } of rows.reverse()) {
          try {
            await release(platform, intake, await find(id, principal));
            released.push(id);
          } catch (error) {
            refused.push({ id, reason: messageOf(error) });
          }
        }
        const details = { released: released.length, refused: refused.length };
        note({ tenant, target: body.source, details });
        return { released, refused };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/quarantine/{id}',
      scope: 'quarantine:write',
      summary: 'Drops a quarantined request',
      action: 'quarantine.drop',
      params: idParams,
      handle: async ({ params, principal, note }) => {
        const { id, tenant } = await find(params.id, principal);
        await platform.quarantine.drop(id);
        note({ tenant, target: id });
        return { id };
      },
    }),
  ];
}

/** @throws SpillwayError what still is wrong with it */
async function release(platform: Platform, intake: Intake, held: QuarantinedRequest) {
  const source = platform.directory.source(held.tenant, held.source);
  if (!source) return notFound(`source "${held.source}" of tenant "${held.tenant}"`);
  const { method, url, headers, body: rawBody, receivedAt } = held;
  const request = { method, url, headers, rawBody, receivedAt: receivedAt.getTime() };
  const events = await asPlatform('accepting', () => intake.release(source, request));
  await platform.quarantine.markReleased(
    held.id,
    events.map((event) => event.id),
  );
  return events;
}
