import type { FastifyReply, FastifyRequest } from 'fastify';
import { SESSION_COOKIE } from './authenticator';

type WithCookies = FastifyReply & {
  setCookie(name: string, value: string, options: Record<string, unknown>): FastifyReply;
  clearCookie(name: string, options: Record<string, unknown>): FastifyReply;
};

const PENDING_COOKIE = 'spillway_oidc';
const PENDING_PATH = '/login/oidc';

/** The cookies of the admin: no script can read them, no other site can use a session, and over TLS they stay there. */
export class Cookies {
  constructor(private readonly publicUrl: string | undefined) {}

  setSession(request: FastifyRequest, reply: FastifyReply, token: string, maxAgeSeconds: number): void {
    const options = { path: '/', sameSite: 'strict', maxAge: maxAgeSeconds, ...this.safe(request) };
    (reply as WithCookies).setCookie(SESSION_COOKIE, token, options);
  }

  clearSession(reply: FastifyReply): void {
    (reply as WithCookies).clearCookie(SESSION_COOKIE, { path: '/' });
  }

  /** `lax`: it has to come back with a redirect from the provider. */
  setPending(request: FastifyRequest, reply: FastifyReply, sealed: string, maxAgeSeconds: number): void {
    const options = { path: PENDING_PATH, sameSite: 'lax', maxAge: maxAgeSeconds, ...this.safe(request) };
    (reply as WithCookies).setCookie(PENDING_COOKIE, sealed, options);
  }

  /** What {@link setPending} set, once. */
  takePending(request: FastifyRequest, reply: FastifyReply): string | undefined {
    (reply as WithCookies).clearCookie(PENDING_COOKIE, { path: PENDING_PATH });
    return (request as FastifyRequest & { cookies: Record<string, string | undefined> }).cookies[PENDING_COOKIE];
  }

  private safe(request: FastifyRequest) {
    const secure = request.protocol === 'https' || (this.publicUrl?.startsWith('https:') ?? false);
    return { httpOnly: true, secure };
  }
}
