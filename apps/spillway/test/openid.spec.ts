import type { Grant } from '@spillway/operations';
import { freePort, OpenIdProvider } from '@spillway/testing';
import { request } from 'undici';
import { Stack, TENANT } from './stack';

const SECRET = 'a client secret of the test';

/** Goes where it is sent, with the cookies of each site. */
class Browser {
  private readonly jars = new Map<string, Map<string, string>>();
  readonly setCookies: string[] = [];

  /** @param stopAt does not go to an address that begins like this, and gives it back instead */
  async go(
    url: string,
    stopAt?: string,
    method: 'GET' | 'POST' = 'GET',
  ): Promise<{ status: number; text: string; url: string }> {
    for (let hop = 0; hop < 15; hop += 1) {
      if (stopAt && url.startsWith(stopAt)) return { status: 0, text: '', url };
      const { origin } = new URL(url);
      const jar = this.jars.get(origin) ?? new Map<string, string>();
      this.jars.set(origin, jar);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { cookie, ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }) };
      const response = await request(url, { method, headers, ...(method === 'POST' && { body: '' }) });
      const set = response.headers['set-cookie'] ?? [];
      for (const line of Array.isArray(set) ? set : [set]) {
        this.setCookies.push(line);
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        if (value === '') jar.delete(name!);
        else jar.set(name!, value!);
      }
      const text = await response.body.text();
      const next = response.headers['location'];
      if (response.statusCode < 300 || response.statusCode >= 400 || typeof next !== 'string') {
        return { status: response.statusCode, text, url };
      }
      url = new URL(next, url).href;
      method = 'GET';
    }
    throw new Error(`it goes round in circles: ${url}`);
  }

  cookies(origin: string): Map<string, string> {
    return this.jars.get(origin)!;
  }
}

describe('login through an OpenID provider', () => {
  let provider: OpenIdProvider;
  let stack: Stack;
  let admin: string;

  beforeAll(async () => {
    const port = await freePort();
    admin = `http://127.0.0.1:${port}`;
    provider = await OpenIdProvider.start({
      client_id: 'spillway',
      client_secret: SECRET,
      redirect_uris: [`${admin}/login/oidc/callback`],
      post_logout_redirect_uris: [`${admin}/login`],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    });
    stack = await Stack.start(
      'postgres',
      {
        ADMIN_PORT: String(port),
        ADMIN_PUBLIC_URL: admin,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: 'spillway',
        OIDC_CLIENT_SECRET: SECRET,
        OIDC_NAME: 'Example <Inc>',
        OIDC_DOMAINS: 'example.com',
        OIDC_ROLES: JSON.stringify([
          { claim: 'groups', has: 'spillway-admins', role: 'admin' },
          { claim: 'groups', has: 'team-*-operators', role: 'operator', tenant: '*' },
          { claim: 'groups', has: 'team-*', role: 'viewer', tenant: '*' },
        ]),
      },
      ['admin'],
    );
    await stack.configure();
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await provider?.close();
  }, 60_000);

  const login = (sub: string, claims: Record<string, unknown>, browser = new Browser()) => {
    provider.people.set(sub, { email: `${sub}@example.com`, email_verified: true, ...claims });
    provider.next = sub;
    return browser.go(`${admin}/login/oidc?next=/queues`).then((answer) => ({ ...answer, browser }));
  };
  const me = async (browser: Browser) => {
    const { status, text } = await browser.go(`${admin}/api/v1/me`);
    return status === 200 ? (JSON.parse(text) as { actor: string; grants: Grant[] }) : status;
  };
  const tenantsOf = (answer: Awaited<ReturnType<typeof me>>) =>
    typeof answer === 'number' ? answer : answer.grants.map(({ tenant, scopes }) => [tenant, scopes.includes('*')]);

  it('is offered on the login page', async () => {
    const { text } = await new Browser().go(`${admin}/login?next=/queues/queue/notifications`);
    expect(text).toContain('Log in with Example &#60;Inc&#62;');
    expect(text).toContain('/login/oidc?next=%2Fqueues%2Fqueue%2Fnotifications');
  });

  it('gives the roles that the claims say, and only for as long as they say it', async () => {
    const first = await login('ann', { groups: ['spillway-admins', `team-${TENANT}`] });
    expect([first.status, first.text]).toEqual([200, expect.stringContaining('url=/queues')]);
    const session = first.browser.setCookies.find((line) => line.startsWith('spillway_session='));
    expect(session).toMatch(/HttpOnly.*SameSite=Strict/);
    const known = await me(first.browser);
    expect(known).toMatchObject({ kind: 'user', actor: 'user:ann@example.com' });
    expect(tenantsOf(known)).toEqual([
      [null, true],
      [TENANT, false],
    ]);
    const second = await login('ann', { groups: [`team-${TENANT}-operators`] });
    // The session of before goes on, with what is left.
    expect([tenantsOf(await me(second.browser)), tenantsOf(await me(first.browser))]).toEqual([
      [[TENANT, false]],
      [[TENANT, false]],
    ]);
    expect((await second.browser.go(`${admin}/queues`)).status).toBe(403);
    const none = await login('ann', { groups: [] });
    expect([none.status, none.text]).toEqual([403, expect.stringContaining('has no role here')]);
    expect(tenantsOf(await me(first.browser))).toEqual([]);
  });

  it('keeps roles that were given here', async () => {
    await login('bob', { groups: [`team-${TENANT}`] });
    await stack.client.put('/users/bob@example.com/roles/*', { role: 'admin' });
    const { browser } = await login('bob', { groups: [] });
    expect(tenantsOf(await me(browser))).toEqual([[null, true]]);
  });

  it.each([
    ['of another domain', { email: 'eve@example.org' }],
    ['whose address is not verified', { email_verified: false }],
    ['who is given no role', { groups: ['others'] }],
  ])('refuses people %s, and does not write them down', async (_, claims) => {
    const { status, browser } = await login('eve', { groups: ['spillway-admins'], ...claims });
    expect([status, await me(browser)]).toEqual([403, 401]);
    const { users } = await stack.client.get<{ users: { name: string }[] }>('/users');
    expect(users.filter(({ name }) => name.startsWith('eve'))).toEqual([]);
    const { entries } = await stack.client.get<{ entries: object[] }>('/audit', {
      action: 'login',
      outcome: 'refused',
    });
    expect(entries[0]).toMatchObject({ actor: 'user:?', details: { via: 'oidc', code: 'login-refused' } });
  });

  it('does not let one take the name of a user who has a password', async () => {
    await stack.client.put('/users/kim@example.com', { password: 'a long password', role: 'viewer' });
    const { status, browser } = await login('kim', { groups: ['spillway-admins'] });
    expect([status, await me(browser)]).toEqual([403, 401]);
  });

  it('takes no answer that it did not ask for', async () => {
    const callback = `${admin}/login/oidc/callback`;
    expect((await new Browser().go(`${callback}?code=x&state=y`)).status).toBe(401);
    provider.next = 'ann';
    provider.people.set('ann', { email: 'ann@example.com', email_verified: true, groups: ['spillway-admins'] });
    for (const forged of ['state', 'nonce', 'verifier', 'until']) {
      const browser = new Browser();
      const { url } = await browser.go(`${admin}/login/oidc`, callback);
      const jar = browser.cookies(admin);
      const { sealer } = stack.platform;
      const pending = JSON.parse(sealer.open(decodeURIComponent(jar.get('spillway_oidc')!), 'oidc login')) as object;
      const other = { ...pending, [forged]: forged === 'until' ? 0 : 'x'.repeat(43) };
      jar.set('spillway_oidc', encodeURIComponent(sealer.seal(JSON.stringify(other), 'oidc login')));
      expect([forged, (await browser.go(url)).status, await me(browser)]).toEqual([forged, 401, 401]);
    }
    const browser = new Browser();
    const { url } = await browser.go(`${admin}/login/oidc`, callback);
    const pending = browser.cookies(admin).get('spillway_oidc')!;
    expect((await browser.go(url)).status).toBe(200);
    const thief = new Browser();
    await thief.go(`${admin}/login`);
    thief.cookies(admin).set('spillway_oidc', pending);
    // A code is good for one time only.
    expect([(await thief.go(url)).status, await me(thief)]).toEqual([401, 401]);
  });

  it('logs out at the provider, too', async () => {
    const { browser } = await login('zoe', { groups: ['spillway-admins'] });
    const { url } = await browser.go(`${admin}/logout`, provider.issuer, 'POST');
    expect(url).toContain('/session/end?');
    expect(new URL(url).searchParams.get('post_logout_redirect_uri')).toBe(`${admin}/login`);
    expect(await me(browser)).toBe(401);
  });
});
