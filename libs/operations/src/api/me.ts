import { BadRequestError } from '@spillway/contracts';
import { z } from 'zod';
import type { Caller } from '../access/principal';
import type { Sessions } from '../access/sessions';
import type { Users } from '../access/users';
import { endpoint, type Endpoint, notFound } from './endpoint';

/** What everybody may know and do about themselves. */
export function ownEndpoints(users: Users, sessions: Sessions): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/me',
      scope: null,
      summary: 'Who asks, and what they may do where',
      handle: async ({ principal: { kind, actor, grants } }) => ({ kind, actor, grants }),
    }),
    endpoint({
      method: 'POST',
      path: '/me/password',
      scope: null,
      action: 'user.password',
      summary: 'Changes one’s own password; ends one’s other sessions',
      body: z.strictObject({ current: z.string().max(1_000), next: z.string().max(1_000) }),
      handle: async ({ body, principal, note }) => {
        const { name, session } = person(principal);
        note({ tenant: null, target: `user/${name}` });
        if (!(await users.authenticate(name, body.current))) {
          throw new BadRequestError('the current password is wrong', { code: 'password-wrong', status: 403 });
        }
        await users.setPassword(name, body.next, session);
        return { name };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/me/sessions',
      scope: null,
      summary: 'Where one is logged in',
      handle: async ({ principal }) => {
        const { name, session } = person(principal);
        const list = await sessions.list(name);
        return { sessions: list.map((one) => ({ ...one, current: one.id === session })) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/me/sessions/{id}',
      scope: null,
      action: 'user.sessions',
      summary: 'Ends one of one’s own sessions',
      params: z.object({ id: z.uuid() }),
      handle: async ({ params: { id }, principal, note }) => {
        const { name } = person(principal);
        note({ tenant: null, target: `user/${name}`, details: { id } });
        return (await sessions.end(name, id)) > 0 ? { id } : notFound(`session ${id}`);
      },
    }),
  ];
}

/** @throws BadRequestError `no-person` for an API key */
function person({ kind, actor, session }: Caller): { name: string; session: string } {
  if (kind === 'user' && session) return { name: actor.slice('user:'.length), session };
  throw new BadRequestError('an API key has no password and no sessions', {
    code: 'no-person',
    remedy: 'Log in; or rotate the key.',
  });
}
