import { gzipSync } from 'node:zlib';
import { HttpServer, sendJson } from '@spillway/testing';
import { Agent } from 'undici';
import { callProtocol, closeConnections } from '../index';
import { aContext, errorOf } from './testing/context';

const COMMUNICATION = 'https://serverlessworkflow.io/spec/1.0.0/errors/communication';

describe('call: http', () => {
  let server: HttpServer;
  let other: HttpServer;
  let attempts = 0;

  beforeAll(async () => {
    other = await HttpServer.start({ '/landed': (_, response) => sendJson(response, { landed: true }) });
    server = await HttpServer.start({
      '/pets/1': (_, response) => sendJson(response, { id: 1, name: 'milou', status: 'pending' }),
      '/pets': (_, response) => sendJson(response, [], 201),
      '/text': (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello'),
      '/latin': (_, response) =>
        response.writeHead(200, { 'content-type': 'text/plain; charset=iso-8859-1' }).end(Buffer.from([0xe9])),
      '/bytes': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([1, 2, 255])),
      '/none': (_, response) => response.writeHead(204).end(),
      '/broken': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":'),
      '/zip': (_, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(gzipSync('{"zipped":true}')),
      '/bomb': (_, response) =>
        response
          .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
          .end(gzipSync(Buffer.alloc(2_000_000))),
      '/moved': (_, response) => response.writeHead(302, { location: '/pets/1' }).end(),
      '/seen': (_, response) => response.writeHead(303, { location: '/text' }).end(),
      '/kept': (_, response) => response.writeHead(307, { location: '/pets' }).end(),
      '/away': (_, response) => response.writeHead(302, { location: `${other.url}/landed` }).end(),
      '/round': (_, response) => response.writeHead(302, { location: '/round' }).end(),
      '/unchanged': (_, response) => response.writeHead(304).end(),
      '/file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      '/slow': () => undefined,
      '/hangup': (_, response) => response.socket!.destroy(),
      '/limited': (_, response) => response.writeHead(429, { 'retry-after': '7' }).end('slow down'),
      '/down': (_, response) => sendJson(response, { message: 'in maintenance' }, 503),
      '/echo': (request, response) =>
        response.writeHead(400, { 'content-type': 'text/plain' }).end(`you sent ${request.headers.authorization}`),
      '/problem': (_, response) =>
        response
          .writeHead(422, { 'content-type': 'application/problem+json' })
          .end(JSON.stringify({ title: 'No such pet', detail: 'pet 9 ran away', status: 422 })),
      '/once': (_, response) => sendJson(response, { attempts: ++attempts }),
    });
  });

  afterAll(async () => {
    await closeConnections();
    await Promise.all([server.close(), other.close()]);
  });

  const call = (args: object, context = aContext()) => callProtocol('http', args, context);
  const get = (path: string, more: object = {}, context = aContext()) =>
    call({ method: 'get', endpoint: server.url + path, ...more }, context);

  describe('the request', () => {
    it('takes variables of the URI from the input', async () => {
      const context = aContext({ input: { petId: 1 } });
      await expect(get('/pets/{petId}', {}, context)).resolves.toEqual({ id: 1, name: 'milou', status: 'pending' });
    });

    it('carries the key, the trace, the agent, headers, query and a JSON body', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await call(
        {
          method: 'post',
          endpoint: { uri: `${server.url}/pets?a=1` },
          headers: { 'X-Shop': 'north', 'X-Count': 3, 'X-None': null },
          query: { tag: ['a b', 'c&d'], none: null, n: 2 },
          body: { name: 'milou' },
        },
        aContext({ traceparent }),
      );
      const { path, headers, body, method } = server.last;
      expect({ path, method, body: body.toString() }).toEqual({
        path: '/pets?a=1&tag=a%20b&tag=c%26d&n=2',
        method: 'POST',
        body: '{"name":"milou"}',
      });
      expect(headers).toMatchObject({
        'idempotency-key': 'step-1',
        traceparent,
        'user-agent': 'Spillway/0.1',
        'content-type': 'application/json',
        'x-shop': 'north',
        'x-count': '3',
      });
      expect(headers).not.toHaveProperty('x-none');
    });

    it('goes through the dispatcher of the context, redirects too', async () => {
      const agent = new Agent();
      const asked: string[] = [];
      const dispatcher = agent.compose((dispatch) => (options, handler) => {
        asked.push(options.path);
        return dispatch(options, handler);
      });
      await get('/moved', { redirect: true }, aContext({ dispatcher }));
      expect(asked).toEqual(['/moved', '/pets/1']);
      await agent.close();
    });

    it('leaves the caller its own Idempotency-Key', async () => {
      await get('/pets/1', { headers: { 'Idempotency-Key': 'mine' } });
      expect(server.last.headers['idempotency-key']).toBe('mine');
    });

    it('sends text as text and forms as forms', async () => {
      await call({ method: 'POST', endpoint: `${server.url}/pets`, body: 'plain words' });
      expect(server.last.headers['content-type']).toMatch(/^text\/plain/);
      expect(server.last.body.toString()).toBe('plain words');
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      await call({ method: 'POST', endpoint: `${server.url}/pets`, headers, body: { a: 'x y', b: [1, 2] } });
      expect(server.last.body.toString()).toBe('a=x+y&b=1&b=2');
      const multipart = { 'content-type': 'multipart/form-data' };
      await call({ method: 'POST', endpoint: `${server.url}/pets`, headers: multipart, body: { a: 'x' } });
      expect(server.last.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
      expect(server.last.body.toString()).toContain('name="a"\r\n\r\nx');
    });

    it.each([
      [{ method: 'get' }, /endpoint/],
      [{ method: 'get /', endpoint: 'http://a' }, /method/],
      [{ method: 'get', endpoint: 'ftp://example.com/' }, /not an http or https URL/],
      [{ method: 'get', endpoint: 'http://user:pass@example.com/' }, /carries a password/],
      [{ method: 'get', endpoint: 'http://example.com/', headers: { a: 'x\r\nb: c' } }, /invalid a header/],
      [{ method: 'get', endpoint: 'http://example.com/', headers: { a: {} } }, /header a is an object/],
      [{ method: 'post', endpoint: 'http://a.test/', headers: { 'content-type': 'text/xml' }, body: {} }, /to be text/],
    ])('refuses %j', async (args, message) => {
      const error = await errorOf(call(args));
      expect(error).toMatchObject({ class: 'permanent', message: expect.stringMatching(message) as string });
      expect(error.details).toMatchObject({ type: expect.stringContaining('configuration') as string, status: 400 });
    });
  });

  describe('the output', () => {
    it.each([
      ['/text', 'hello'],
      ['/latin', 'é'],
      ['/bytes', 'AQL/'],
      ['/none', null],
      ['/zip', { zipped: true }],
    ])('content of %s', async (path, expected) => {
      await expect(get(path)).resolves.toEqual(expected);
    });

    it('raw is base64', async () => {
      await expect(get('/text', { output: 'raw' })).resolves.toBe('aGVsbG8=');
    });

    it('response is the whole answer, without credentials', async () => {
      const secrets = { key: 'very-secret-key' };
      const headers = { authorization: 'Bearer whatever', 'x-key': 'very-secret-key', 'x-open': 'seen' };
      const answer = await get('/pets/1', { output: 'response', headers }, aContext({ secrets }));
      expect(answer).toMatchObject({
        request: {
          method: 'get',
          uri: `${server.url}/pets/1`,
          headers: { authorization: '***', 'x-key': '***', 'x-open': 'seen' },
        },
        statusCode: 200,
        headers: { 'content-type': 'application/json' },
        content: { name: 'milou' },
      });
      expect(server.last.headers).toMatchObject({ authorization: 'Bearer whatever', 'x-key': 'very-secret-key' });
    });

    it('JSON that is none is an error', async () => {
      const error = await errorOf(get('/broken'));
      expect(error).toMatchObject({ class: 'permanent', code: 'response-invalid' });
    });
  });

  describe('redirects', () => {
    it('are errors by default', async () => {
      const error = await errorOf(get('/moved'));
      expect(error).toMatchObject({ class: 'permanent', code: 'redirected', details: { status: 302 } });
    });

    it('are followed when asked, 303 as GET and 307 as it was', async () => {
      await expect(get('/moved', { redirect: true })).resolves.toMatchObject({ id: 1 });
      const post = { method: 'post', body: { a: 1 }, redirect: true };
      await expect(call({ ...post, endpoint: `${server.url}/seen` })).resolves.toBe('hello');
      expect(server.last).toMatchObject({ method: 'GET', body: Buffer.alloc(0) });
      expect(server.last.headers).not.toHaveProperty('content-type');
      await call({ ...post, endpoint: `${server.url}/kept` });
      expect(server.last).toMatchObject({ method: 'POST', path: '/pets' });
      expect(server.last.body.toString()).toBe('{"a":1}');
    });

    it('give no credentials to another origin', async () => {
      const endpoint = { uri: `${server.url}/away`, authentication: { bearer: { token: 'for-the-first' } } };
      const headers = { 'x-api-key': 'k', cookie: 'c=1', accept: 'application/json' };
      await expect(call({ method: 'get', endpoint, headers, redirect: true })).resolves.toEqual({ landed: true });
      expect(server.last.headers).toMatchObject({ authorization: 'Bearer for-the-first', 'x-api-key': 'k' });
      expect(other.last.headers).not.toHaveProperty('authorization');
      expect(other.last.headers).not.toHaveProperty('x-api-key');
      expect(other.last.headers).not.toHaveProperty('cookie');
      expect(other.last.headers.accept).toBe('application/json');
    });

    it('end at some time, and never at a file', async () => {
      expect(await errorOf(get('/round', { redirect: true }))).toMatchObject({ code: 'too-many-redirects' });
      expect(await errorOf(get('/file', { redirect: true }))).toMatchObject({ code: 'redirect-refused' });
    });

    it('a 304 is a success with redirect, an error without', async () => {
      await expect(get('/unchanged', { redirect: true })).resolves.toBeNull();
      expect(await errorOf(get('/unchanged'))).toMatchObject({ details: { status: 304 } });
    });
  });

  describe('errors', () => {
    it('keep what the flow needs to know of them', async () => {
      const error = await errorOf(get('/problem'));
      expect(error).toMatchObject({ class: 'permanent', code: 'http-422' });
      expect(error.details).toEqual({
        type: COMMUNICATION,
        status: 422,
        title: 'No such pet',
        detail: 'pet 9 ran away',
        body: '{"title":"No such pet","detail":"pet 9 ran away","status":422}',
      });
    });

    it('are classified', async () => {
      expect(await errorOf(get('/nowhere'))).toMatchObject({
        class: 'permanent',
        details: { status: 404, title: 'Not Found', detail: 'nothing here' },
      });
      expect(await errorOf(get('/down'))).toMatchObject({ class: 'transient', details: { status: 503 } });
      expect(await errorOf(get('/limited'))).toMatchObject({ class: 'rate-limited', retryAfterMs: 7_000 });
      expect(await errorOf(get('/hangup'))).toMatchObject({
        class: 'transient',
        code: 'call-failed',
        details: { type: COMMUNICATION, status: 500 },
      });
    });

    it('never repeat a secret', async () => {
      const endpoint = { uri: `${server.url}/echo`, authentication: { bearer: { token: 'tok-123456' } } };
      const error = await errorOf(call({ method: 'get', endpoint }));
      expect(server.last.headers.authorization).toBe('Bearer tok-123456');
      expect(JSON.stringify([error.message, error.details])).not.toContain('tok-123456');
      expect(error.details).toMatchObject({ body: 'you sent ***' });
    });

    it('an answer that is too large is refused, also one that grows when unpacked', async () => {
      const error = await errorOf(get('/pets/1', {}, aContext({ limits: { responseBytes: 10 } })));
      expect(error).toMatchObject({ class: 'permanent', code: 'response-too-large' });
      expect(await errorOf(get('/bomb'))).toMatchObject({ code: 'response-too-large' });
    });

    it('an abort ends the call with its reason', async () => {
      const abort = new AbortController();
      const pending = errorOf(get('/slow', {}, aContext({ signal: abort.signal })));
      setTimeout(() => abort.abort(new Error('cancelled by hand')), 50);
      expect((await pending).message).toBe('cancelled by hand');
    });
  });
});
