import { BadRequestError } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { FastifyRequest } from 'fastify';
import type { Principal } from './principal';
import type { Sessions } from './sessions';
import { grantsOf, type User } from './users';

export const SESSION_COOKIE = 'spillway_session';

type WithCookies = FastifyRequest & { cookies: Record<string, string | undefined> };

/** Finds out who sent a request: by API key, or by the session of a person. */
export class Authenticator {
  constructor(
    private readonly platform: Pick<Platform, 'apiKeys'>,
    private readonly sessions: Sessions,
  ) {}

  /** @throws BadRequestError `unauthorized` (401) */
  async principal(request: FastifyRequest): Promise<Principal> {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.headers['x-api-key'];
    if (typeof token === 'string') {
      const key = await this.platform.apiKeys.find(token);
      if (key) {
        const { id, name, tenant, scopes } = key;
        return { kind: 'key', actor: `key:${name}`, actorId: id, grants: [{ tenant, scopes }] };
      }
    } else {
      const person = await this.person(request);
      if (person) return person;
    }
    throw new BadRequestError(token ? 'the API key is not valid' : 'who are you?', {
      code: 'unauthorized',
      status: 401,
      remedy: 'Send "Authorization: Bearer …" with an API key, or log in at /login.',
    });
  }

  /** Who is logged in with the browser that sent this. */
  async person(request: FastifyRequest): Promise<(Principal & { user: User; via: 'password' | 'oidc' }) | undefined> {
    const token = sessionTokenOf(request);
    const session = token ? await this.sessions.find(token) : undefined;
    if (!session) return undefined;
    const { user, id, via } = session;
    return { kind: 'user', actor: `user:${user.name}`, grants: grantsOf(user), session: id, user, via };
  }
}

export function sessionTokenOf(request: FastifyRequest): string | undefined {
  return (request as WithCookies).cookies[SESSION_COOKIE];
}
