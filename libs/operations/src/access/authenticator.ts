import { BadRequestError } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { FastifyRequest } from 'fastify';
import { type Principal, SCOPES_OF_ROLE } from './principal';
import type { User, Users } from './users';

export const SESSION_COOKIE = 'spillway_session';

type WithCookies = FastifyRequest & { cookies: Record<string, string | undefined> };

/** Finds out who sent a request: by API key, or by the session of a person. */
export class Authenticator {
  constructor(
    private readonly platform: Pick<Platform, 'apiKeys'>,
    private readonly users: Users,
  ) {}

  /** @throws BadRequestError `unauthorized` (401) */
  async principal(request: FastifyRequest): Promise<Principal> {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.headers['x-api-key'];
    if (typeof token === 'string') {
      const key = await this.platform.apiKeys.find(token);
      if (key) return { actor: `key:${key.name}`, tenant: key.tenant, scopes: key.scopes };
    } else {
      const user = await this.user(request);
      if (user) return { actor: `user:${user.name}`, tenant: null, scopes: SCOPES_OF_ROLE[user.role], role: user.role };
    }
    throw new BadRequestError(token ? 'the API key is not valid' : 'who are you?', {
      code: 'unauthorized',
      status: 401,
      remedy: 'Send "Authorization: Bearer …" with an API key, or log in at /login.',
    });
  }

  async user(request: FastifyRequest): Promise<User | undefined> {
    const token = (request as WithCookies).cookies[SESSION_COOKIE];
    return token ? this.users.ofSession(token) : undefined;
  }
}
