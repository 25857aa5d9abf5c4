import { createHash } from 'node:crypto';
import { HttpServer, sendJson, type ServedRequest } from '@spillway/testing';
import { callProtocol, closeConnections, type AuthenticationPolicy, type ProtocolContext } from '../index';
import { aContext, errorOf } from '../protocols/testing/context';

const BASIC = `Basic ${Buffer.from('admin:pä:ss').toString('base64')}`;

/** A server's side of digest, written apart from the client's. */
function digestOk(algorithm: 'MD5' | 'SHA-256', qop: string, nonce: string, request: ServedRequest): boolean {
  const sent: Record<string, string | undefined> = Object.fromEntries(
    [...(request.headers.authorization ?? '').matchAll(/(\w+)="?([^",]+)"?/g)].map(([, name, value]) => [
      name!,
      value!,
    ]),
  );
  const h = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const bodyHash = qop === 'auth-int' ? `:${h(request.body.toString())}` : '';
  const parts = [h('mufasa:shop:circle'), nonce, sent.nc, sent.cnonce, qop];
  return sent.response === h([...parts, h(`${request.method}:${request.path}${bodyHash}`)].join(':'));
}

describe('authentication', () => {
  let server: HttpServer;
  let nonce = 'first';
  let stale = false;

  beforeAll(async () => {
    const digest =
      (algorithm: 'MD5' | 'SHA-256', qop: string) =>
      (request: ServedRequest, response: Parameters<typeof sendJson>[0]) => {
        if (digestOk(algorithm, qop, nonce, request)) return sendJson(response, { in: true });
        const challenge = `Digest realm="shop", nonce="${nonce}", qop="${qop}", algorithm=${algorithm}`;
        response.setHeader('www-authenticate', ['Basic realm="x"', stale ? `${challenge}, stale=true` : challenge]);
        sendJson(response, { message: 'who are you' }, 401);
      };
    server = await HttpServer.start({
      '/basic': ({ headers }, response) =>
        headers.authorization === BASIC ? sendJson(response, { in: true }) : sendJson(response, {}, 401),
      '/bearer': ({ headers }, response) =>
        headers.authorization === 'Bearer abc' ? sendJson(response, { in: true }) : sendJson(response, {}, 401),
      '/md5': digest('MD5', 'auth'),
      '/sha': digest('SHA-256', 'auth'),
      '/int': digest('SHA-256', 'auth-int'),
      '/ageing': (request, response) => {
        if (!digestOk('SHA-256', 'auth', nonce, request)) return digest('SHA-256', 'auth')(request, response);
        // The nonce grows old between the two requests of a redirect.
        [nonce, stale] = ['second', true];
        response.writeHead(307, { location: '/sha' }).end();
      },
    });
  });

  afterAll(async () => {
    await closeConnections();
    await server.close();
  });

  const call = (
    path: string,
    authentication: AuthenticationPolicy | { use: string },
    more: Partial<ProtocolContext> = {},
    body?: unknown,
  ) =>
    callProtocol(
      'http',
      { method: body ? 'post' : 'get', endpoint: { uri: server.url + path, authentication }, body },
      aContext(more),
    );

  const digest = { digest: { username: 'mufasa', password: 'circle' } };

  it.each([
    ['basic', '/basic', { basic: { username: 'admin', password: 'pä:ss' } }],
    ['bearer', '/bearer', { bearer: { token: 'abc' } }],
    ['digest with MD5', '/md5?a=1', digest],
    ['digest with SHA-256', '/sha', digest],
  ])('%s', async (_, path, policy) => {
    await expect(call(path, policy)).resolves.toEqual({ in: true });
  });

  it('digest covers the body when the server asks for it', async () => {
    await expect(call('/int', digest, {}, { a: 1 })).resolves.toEqual({ in: true });
    expect(server.last.body.toString()).toBe('{"a":1}');
  });

  it('digest answers again when the nonce grew old', async () => {
    const endpoint = { uri: `${server.url}/ageing`, authentication: digest };
    await expect(callProtocol('http', { method: 'get', endpoint, redirect: true }, aContext())).resolves.toEqual({
      in: true,
    });
    expect([nonce, server.requests.slice(-4).map(({ path }) => path)]).toEqual([
      'second',
      ['/ageing', '/ageing', '/sha', '/sha'],
    ]);
    [nonce, stale] = ['first', false];
  });

  it('digest does not try wrong credentials again', async () => {
    const before = server.requests.length;
    const error = await errorOf(call('/sha', { digest: { username: 'mufasa', password: 'wrong-one' } }));
    expect(error).toMatchObject({ class: 'permanent', details: { status: 401 } });
    expect(server.requests.length - before).toBe(2);
  });

  it.each([
    ['JSON text', JSON.stringify({ username: 'admin', password: 'pä:ss' })],
    ['an object', { username: 'admin', password: 'pä:ss' }],
  ])('takes its properties from a secret that is %s', async (_, secret) => {
    await expect(call('/basic', { basic: { use: 'shop' } }, { secrets: { shop: secret } })).resolves.toEqual({
      in: true,
    });
  });

  it('takes a policy of the flow by its name', async () => {
    const authentications = { main: { bearer: { token: 'abc' } } };
    await expect(call('/bearer', { use: 'main' }, { authentications })).resolves.toEqual({ in: true });
  });

  it.each([
    [{ use: 'gone' }, {}, 'authentication-unknown'],
    [{ basic: { use: 'gone' } }, {}, 'secret-missing'],
    [{ basic: { use: 'toString' } }, {}, 'secret-missing'],
    [{ basic: { use: 'odd' } }, { odd: 'hunter2 is no JSON' }, 'secret-invalid'],
    [{ basic: { use: 'odd' } }, { odd: '{"username":"hunter2"}' }, 'secret-invalid'],
    [{ basic: { username: 'hunter2' } }, {}, 'call-invalid'],
    [{ basic: { username: 'a:hunter2', password: 'hunter2' } }, {}, 'authentication-invalid'],
  ])('refuses %j without telling a secret', async (policy, secrets, code) => {
    const error = await errorOf(call('/basic', policy as AuthenticationPolicy, { secrets }));
    expect(error).toMatchObject({ class: 'permanent', code });
    expect(JSON.stringify([error.message, error.remedy, error.details, String(error.cause)])).not.toContain('hunter2');
  });
});
