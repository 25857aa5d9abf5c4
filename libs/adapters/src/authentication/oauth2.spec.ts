import { generateKeyPairSync, sign } from 'node:crypto';
import { AuthorizationServer, HttpServer, sendJson } from '@spillway/testing';
import { callProtocol, closeConnections, type AuthenticationPolicy, type ProtocolContext } from '../index';
import { aContext, errorOf } from '../protocols/testing/context';
import { forgetTokens } from './oauth2';
import { accessToken, TokenCache } from './token-cache';

const { secret, password } = AuthorizationServer;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

describe('oauth2 and oidc', () => {
  let server: AuthorizationServer;

  beforeAll(async () => {
    server = await AuthorizationServer.start();
  });

  beforeEach(() => {
    forgetTokens();
    server.asked.length = 0;
    server.seen.length = 0;
    server.lifeSeconds = 600;
    server.outage = undefined;
  });

  afterAll(async () => {
    await closeConnections();
    await server.close();
  });

  const me = (authentication: AuthenticationPolicy, more: Partial<ProtocolContext> = {}) =>
    callProtocol('http', { method: 'get', endpoint: { uri: `${server.issuer}/me`, authentication } }, aContext(more));

  const oauth2 = (more: object): AuthenticationPolicy => ({
    oauth2: {
      authority: server.issuer,
      endpoints: { token: '/token' },
      grant: 'client_credentials',
      client: { id: 'client_secret_post', secret },
      ...more,
    },
  });
  const tokenRequests = () => server.asked.filter((path) => path === '/token').length;

  it.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'] as const)('%s', async (method) => {
    const policy = oauth2({ client: { id: method, secret, authentication: method }, scopes: ['calls'] });
    await expect(me(policy)).resolves.toMatchObject({ client: method, scope: 'calls' });
  });

  it('private_key_jwt signs with a key', async () => {
    const client = { id: 'private_key_jwt', assertion: server.privateKey, authentication: 'private_key_jwt' };
    await expect(me(oauth2({ client }))).resolves.toMatchObject({ client: 'private_key_jwt' });
  });

  it('private_key_jwt sends an assertion as it is', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const id = 'private_key_jwt';
    const claims = { iss: id, sub: id, aud: server.issuer, iat: now, exp: now + 60, jti: 'one' };
    const signed = [{ alg: 'ES256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const key = { key: server.privateKey, dsaEncoding: 'ieee-p1363' as const };
    const signature = sign('sha256', Buffer.from(signed.join('.')), key).toString('base64url');
    const client = { id, assertion: [...signed, signature].join('.'), authentication: id };
    await expect(me(oauth2({ client }))).resolves.toMatchObject({ client: id });
  });

  it('password, for a client without a secret', async () => {
    const more = { grant: 'password', client: { id: 'none', authentication: 'none' }, username: 'ann', password };
    await expect(me(oauth2(more))).resolves.toMatchObject({ client: 'none', account: 'ann' });
  });

  it('token exchange', async () => {
    const more = { grant: EXCHANGE, subject: { token: 'subj', type: 'jwt' }, actor: { token: 'act', type: 'urn:x:y' } };
    await expect(me(oauth2(more))).resolves.toMatchObject({
      account: 'subj as urn:ietf:params:oauth:token-type:jwt by act',
    });
  });

  it('refresh_token, also after the server replaced it', async () => {
    const token = await server.refreshToken('client_secret_post');
    const policy = oauth2({ grant: 'refresh_token', subject: { token, type: 'refresh_token' } });
    await expect(me(policy)).resolves.toMatchObject({ account: 'ann' });
    await server.revoke(server.seen[0]!);
    await expect(me(policy)).resolves.toMatchObject({ account: 'ann' });
    expect(tokenRequests()).toBe(2);
  });

  it.each([
    ['the issuer', ''],
    ['the address of its configuration', '/.well-known/openid-configuration'],
  ])('oidc finds the token endpoint from %s', async (_, path) => {
    const client = { id: 'client_secret_basic', secret, authentication: 'client_secret_basic' as const };
    const policy = { oidc: { authority: server.issuer + path, grant: 'client_credentials' as const, client } };
    await expect(me(policy)).resolves.toMatchObject({ client: 'client_secret_basic' });
    await expect(me(policy, { tenant: 'other' })).resolves.toMatchObject({ client: 'client_secret_basic' });
    expect(server.asked).toEqual([
      '/.well-known/openid-configuration',
      '/token',
      '/.well-known/openid-configuration',
      '/token',
    ]);
  });

  it('takes its properties from a secret', async () => {
    const properties = (oauth2({}) as { oauth2: object }).oauth2;
    const secrets = { shop: JSON.stringify(properties) };
    await expect(me({ oauth2: { use: 'shop' } }, { secrets })).resolves.toMatchObject({ client: 'client_secret_post' });
  });

  it('asks for one token however many calls want it, and for another tenant anew', async () => {
    await Promise.all(Array.from({ length: 20 }, () => me(oauth2({}))));
    expect(tokenRequests()).toBe(1);
    expect(new Set(server.seen).size).toBe(1);
    await me(oauth2({}), { tenant: 'other' });
    expect(tokenRequests()).toBe(2);
    expect(new Set(server.seen).size).toBe(2);
  });

  it('renews a token before its end', async () => {
    server.lifeSeconds = 20;
    await me(oauth2({}));
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 17_000);
    await me(oauth2({}));
    expect(tokenRequests()).toBe(1);
    clock.mockReturnValue(Date.now() + 2_000);
    await me(oauth2({}));
    expect(tokenRequests()).toBe(2);
    clock.mockRestore();
  });

  it('gets a new token after a 401, once', async () => {
    await me(oauth2({}));
    await server.revoke(server.seen[0]!);
    await expect(me(oauth2({}))).resolves.toMatchObject({ client: 'client_secret_post' });
    expect(tokenRequests()).toBe(2);

    const refuses = await HttpServer.start({ '/': (_, response) => sendJson(response, {}, 401) });
    const endpoint = { uri: `${refuses.url}/`, authentication: oauth2({}) };
    const error = await errorOf(callProtocol('http', { method: 'get', endpoint }, aContext()));
    expect(error).toMatchObject({ class: 'permanent', details: { status: 401 } });
    expect([refuses.requests.length, tokenRequests()]).toEqual([2, 3]);
    await refuses.close();
  });

  it('a call that is cancelled does not take the token from the others', async () => {
    const abort = new AbortController();
    const cancelled = errorOf(me(oauth2({}), { signal: abort.signal }));
    const other = me(oauth2({}));
    abort.abort(new Error('cancelled by hand'));
    expect((await cancelled).message).toBe('cancelled by hand');
    await expect(other).resolves.toMatchObject({ client: 'client_secret_post' });
    expect(tokenRequests()).toBe(1);
  });

  it('a server that is away is worth another try', async () => {
    server.outage = 503;
    const error = await errorOf(me(oauth2({})));
    expect(error).toMatchObject({ class: 'transient', code: 'token-unavailable' });
    expect(error.details?.type).toBe('https://serverlessworkflow.io/spec/1.0.0/errors/authentication');
    server.outage = undefined;
    await expect(me(oauth2({}))).resolves.toBeTruthy();
  });

  it.each([
    [{ client: { id: 'client_secret_post', secret: 'hunter2hunter2' } }, 'token-refused', /invalid_client/],
    [{ grant: 'password', username: 'ann', password: 'hunter2hunter2' }, 'token-refused', /invalid_grant/],
    [{ grant: 'password', username: 'ann' }, 'authentication-invalid', /needs password/],
    [{ grant: 'authorization_code' }, 'grant-unsupported', /browser/],
    [{ endpoints: { token: '/nowhere' } }, 'token-refused', /answered 404/],
    [{ client: { secret } }, 'authentication-invalid', /client.id is missing/],
    [
      { client: { id: 'a', authentication: 'private_key_jwt' } },
      'authentication-invalid',
      /client.assertion is missing/,
    ],
    [
      { client: { id: 'a', authentication: 'private_key_jwt', assertion: '-----BEGIN hunter2hunter2' } },
      'authentication-invalid',
      /no private key/,
    ],
  ])('refuses %j without telling a secret', async (more, code, message) => {
    const error = await errorOf(me(oauth2(more)));
    expect(error).toMatchObject({ class: 'permanent', code, message: expect.stringMatching(message) as string });
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain('hunter2');
  });

  it('sends JSON where the policy says so, and checks the issuer of a JWT', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwt = (iss: string) => `e30.${Buffer.from(JSON.stringify({ iss })).toString('base64url')}.c2ln`;
    const odd = await HttpServer.start({
      '/realm/oauth2/token': (_, response) =>
        sendJson(response, { access_token: jwt('https://a.test'), token_type: 'bearer' }),
    });
    const client = {
      id: 'me',
      assertion: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      authentication: 'private_key_jwt',
    };
    const more = {
      authority: `${odd.url}/{realm}`,
      endpoints: undefined,
      client,
      audiences: ['a', 'b'],
      request: { encoding: 'application/json' },
    };
    const input = { realm: 'realm' };
    const error = await errorOf(me(oauth2({ ...more, issuers: ['https://b.test'] }), { input }));
    expect(error).toMatchObject({
      code: 'token-invalid',
      message: expect.stringContaining('https://a.test') as string,
    });
    const sent = JSON.parse(odd.last.body.toString()) as Record<string, string>;
    expect(sent).toMatchObject({ grant_type: 'client_credentials', client_id: 'me', audience: ['a', 'b'] });
    expect(JSON.parse(Buffer.from(sent.client_assertion!.split('.')[1]!, 'base64url').toString())).toMatchObject({
      aud: `${odd.url}/realm/oauth2/token`,
      sub: 'me',
    });
    expect(odd.last.headers['content-type']).toBe('application/json');
    const refused = await errorOf(me(oauth2({ ...more, issuers: ['https://a.test'] }), { input }));
    expect(refused).toMatchObject({ details: { status: 401 }, code: 'http-401' });
    await odd.close();
  });
});

describe('the token cache', () => {
  it('uses a token that still lives while its server is away, never one that ended', async () => {
    const cache = new TokenCache();
    let now = Date.now();
    const away = () => Promise.reject(new Error('away'));
    await cache.get(
      'a',
      async () => accessToken('one', 100, now),
      () => now,
    );
    now += 95_000;
    await expect(cache.get('a', away, () => now)).resolves.toMatchObject({ value: 'one' });
    now += 6_000;
    await expect(cache.get('a', away, () => now)).rejects.toThrow('away');
  });

  it('forgets only the token that was refused', async () => {
    const cache = new TokenCache();
    await cache.get('a', async () => accessToken('new'));
    cache.invalidate('a', 'old');
    await expect(cache.get('a', async () => accessToken('newer'))).resolves.toMatchObject({ value: 'new' });
    cache.invalidate('a', 'new');
    await expect(cache.get('a', async () => accessToken('newer'))).resolves.toMatchObject({ value: 'newer' });
  });
});
