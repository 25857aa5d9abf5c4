import { RateLimitedError } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LoginAttempts } from './attempts';
import { type Authenticator, SESSION_COOKIE } from './authenticator';
import { loginPage } from './login-page';
import type { Users } from './users';

type WithCookies = FastifyReply & {
  setCookie(name: string, value: string, options: Record<string, unknown>): FastifyReply;
  clearCookie(name: string, options: Record<string, unknown>): FastifyReply;
};

/** `/login` and `/logout`: a session in a cookie that no script and no other site can use. */
export class Login {
  private readonly attempts = new LoginAttempts();

  constructor(
    private readonly users: Users,
    private readonly authenticator: Authenticator,
    private readonly log: Log,
  ) {}

  register(server: FastifyInstance): void {
    server.get('/', (_request, reply) => reply.redirect('/queues'));
    server.get('/login', (request, reply) => page(reply, 200, { next: nextOf(request.query) }));
    server.post('/login', (request, reply) => this.open(request, reply as WithCookies));
    server.post('/logout', (request, reply) => this.close(request, reply as WithCookies));
  }

  private async open(request: FastifyRequest, reply: WithCookies): Promise<FastifyReply> {
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
    const user = await this.users.authenticate(name, password);
    if (!user) {
      this.attempts.failed(request.ip, name);
      this.log.warn({ user: name.slice(0, 100), address: request.ip }, 'login failed');
      return page(reply, 401, { next: nextOf(form), error: 'Name or password is wrong.' });
    }
    this.attempts.succeeded(request.ip, name);
    const { token, maxAgeSeconds } = await this.users.openSession(user);
    this.log.info({ user: user.name, address: request.ip }, 'login');
    const secure = request.protocol === 'https';
    reply.setCookie(SESSION_COOKIE, token, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure,
      maxAge: maxAgeSeconds,
    });
    return reply.redirect(nextOf(form), 303);
  }

  private async close(request: FastifyRequest, reply: WithCookies): Promise<FastifyReply> {
    const token = (request as FastifyRequest & { cookies: Record<string, string | undefined> }).cookies[SESSION_COOKIE];
    if (token && (await this.authenticator.user(request))) await this.users.closeSession(token);
    reply.clearCookie(SESSION_COOKIE, { path: '/' });
    return reply.redirect('/login', 303);
  }
}

function page(reply: FastifyReply, status: number, parts: { next: string; error?: string }): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
    .send(loginPage(parts));
}

/** Only to ourselves: `//elsewhere` is another site. */
function nextOf(from: unknown): string {
  const next = (from as { next?: unknown } | undefined)?.next;
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/queues';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
