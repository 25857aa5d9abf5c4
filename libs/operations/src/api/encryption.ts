import { BadRequestError, nameSchema } from '@spillway/contracts';
import { type Platform, rotateMaster, shredTenant } from '@spillway/runtime';
import { z } from 'zod';
import { requirePlatform } from '../access/principal';
import { endpoint, type Endpoint } from './endpoint';

const params = z.object({ tenant: nameSchema });

/** The keys that payloads and secrets are sealed with. */
export function encryptionEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/encryption',
      scope: '*',
      summary: 'Keys of tenants: which there are, never the keys',
      handle: async ({ principal }) => {
        requirePlatform(principal);
        const { encrypt, signJobs } = platform.config.protection;
        return { encryption: encrypt, jobSigning: signJobs, keys: await platform.keys.list() };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/encryption/rotate-master',
      scope: '*',
      action: 'encryption.rotate-master',
      summary: 'Wraps the keys of all tenants, and seals all secrets, with the SPILLWAY_KEY of now',
      handle: async ({ principal, note }) => {
        requirePlatform(principal);
        const rotated = await rotateMaster(platform);
        note({ target: '*', details: { ...rotated } });
        return rotated;
      },
    }),
    endpoint({
      method: 'POST',
      path: '/encryption/{tenant}/rotate',
      scope: '*',
      action: 'encryption.rotate',
      summary: 'New data of a tenant is sealed with a new key; the old one goes on opening what it sealed',
      params,
      handle: async ({ params: { tenant }, principal, note }) => {
        requirePlatform(principal);
        const key = await platform.keys.rotate(tenant);
        note({ tenant, target: tenant, details: { key } });
        return { tenant, key };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/tenants/{tenant}/shred',
      scope: '*',
      action: 'tenant.shred',
      summary: 'Destroys the keys of a tenant: nobody can read its payloads again. What is under way for it ends',
      params,
      body: z.strictObject({ confirm: z.string().describe('The name of the tenant once more.') }),
      handle: async ({ params: { tenant }, body, principal, note }) => {
        requirePlatform(principal);
        if (body.confirm !== tenant) {
          throw new BadRequestError('this cannot be undone: give the name of the tenant as "confirm"', {
            code: 'not-confirmed',
          });
        }
        const shredded = await shredTenant(platform, tenant);
        note({ tenant, target: tenant, details: { ...shredded } });
        return { tenant, ...shredded };
      },
    }),
  ];
}
