import { messageOf, RateLimitedError, SpillwayError } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { keep, originOf } from '../api/trail';
import { LoginAttempts } from './attempts';
import { type Authenticator, sessionTokenOf } from './authenticator';
import type { Cookies } from './cookies';
import { type LoginPage, loginPage, onwardPage } from './login-page';
import { CALLBACK_PATH, type OidcLogin, PENDING_MS } from './oidc';
import type { Sessions } from './sessions';
import type { User, Users } from './users';

interface Doors {
  users: Users;
  sessions: Sessions;
  authenticator: Authenticator;
  cookies: Cookies;
  /** Undefined: passwords only. */
  oidc?: OidcLogin;
}

/** `/login` and `/logout`: a session in a cookie that no script and no other site can use. */
export class Login {
  private readonly attempts = new LoginAttempts();

  constructor(
    private readonly doors: Doors,
    private readonly platform: Pick<Platform, 'audit' | 'facts' | 'log'>,
  ) {}

  register(server: FastifyInstance): void {
    server.get('/', (_request, reply) => reply.redirect('/queues'));
    server.get('/login', (request, reply) => this.page(reply, 200, { next: nextOf(request.query) }));
    server.post('/login', (request, reply) => this.withPassword(request, reply));
    server.post('/logout', (request, reply) => this.leave(request, reply));
    if (!this.doors.oidc) return;
    server.get('/login/oidc', (request, reply) => this.toProvider(request, reply));
    server.get(CALLBACK_PATH, (request, reply) => this.fromProvider(request, reply));
  }

  private async withPassword(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const form = (request.body ?? {}) as Record<string, unknown>;
    const [name, password] = [textOf(form['name']), textOf(form['password'])];
    const blockedMs = this.attempts.blockedFor(request.ip, name);
    if (blockedMs > 0) {
      throw new RateLimitedError('too many failed logins', {
        code: 'login-blocked',
        status: 429,
        retryAfterMs: blockedMs,
      });
    }
    const user = await this.doors.users.authenticate(name, password);
    if (!user) {
      this.attempts.failed(request.ip, name);
      await this.tell(request, `user:${name.slice(0, 100)}`, 'login', 'refused', { via: 'password' });
      return this.page(reply, 401, { next: nextOf(form), error: 'Name or password is wrong.' });
    }
    this.attempts.succeeded(request.ip, name);
    await this.open(request, reply, user, 'password');
    return reply.redirect(nextOf(form), 303);
  }

  private async toProvider(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { url, pending } = await this.doors.oidc!.begin(nextOf(request.query));
    this.doors.cookies.setPending(request, reply, pending, PENDING_MS / 1_000);
    return reply.redirect(url);
  }

  private async fromProvider(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { users, cookies, oidc } = this.doors;
    try {
      const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
      const { identity, name, roles, next } = await oidc!.finish(query, cookies.takePending(request, reply));
      const user = await users.fromProvider(identity, name, roles);
      await this.open(request, reply, user, 'oidc');
      return html(reply, 200, onwardPage(next));
    } catch (error) {
      const { status, code } = error instanceof SpillwayError ? error : { status: 500, code: 'internal' };
      if (status >= 500) throw error;
      await this.tell(request, 'user:?', 'login', 'refused', { via: 'oidc', code });
      return this.page(reply, status, { next: '/queues', error: messageOf(error) });
    }
  }

  private async open(request: FastifyRequest, reply: FastifyReply, user: User, via: 'password' | 'oidc') {
    const origin = { ...originOf(request), via };
    const { token, maxAgeSeconds } = await this.doors.sessions.open(user.name, origin, sessionTokenOf(request));
    await this.tell(request, `user:${user.name}`, 'login', 'done', { via });
    this.doors.cookies.setSession(request, reply, token, maxAgeSeconds);
  }

  private async leave(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const token = sessionTokenOf(request);
    const person = await this.doors.authenticator.person(request);
    this.doors.cookies.clearSession(reply);
    if (!token || !person) return reply.redirect('/login', 303);
    await this.doors.sessions.close(token);
    await this.tell(request, person.actor, 'logout', 'done', {});
    // Whoever came from the provider is logged out there, too: else the next click logs them in again.
    const elsewhere = person.via === 'oidc' ? await this.doors.oidc?.logoutUrl().catch(() => undefined) : undefined;
    return reply.redirect(elsewhere ?? '/login', 303);
  }

  private async tell(
    request: FastifyRequest,
    actor: string,
    action: string,
    outcome: 'done' | 'refused',
    details: Record<string, unknown>,
  ): Promise<void> {
    this.platform.log.info({ actor, address: request.ip, outcome }, action);
    await keep(this.platform, [{ actor, action, target: 'admin', outcome, details, ...originOf(request) }]);
  }

  private page(reply: FastifyReply, status: number, parts: Omit<LoginPage, 'provider'>): FastifyReply {
    return html(reply, status, loginPage({ ...parts, provider: this.doors.oidc?.config.name }));
  }
}

/** No script, nothing from elsewhere. */
export function html(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
    .send(text);
}

/** Only to ourselves: `//elsewhere` is another site. */
function nextOf(from: unknown): string {
  const next = (from as { next?: unknown } | undefined)?.next;
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/queues';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
