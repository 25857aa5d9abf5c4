import { randomBytes, scryptSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@spillway/config';
import { openPlatform } from '@spillway/runtime';
import type { ApiKeyInfo } from '@spillway/tenancy';
import { API_KEY, eventually } from '@spillway/testing';
import { request } from 'undici';
import { Client } from '../src/client';
import { auditCommands } from '../src/commands/audit';
import { keyCommands } from '../src/commands/keys';
import { userCommands } from '../src/commands/users';
import { post, Stack, TENANT } from './stack';

const PASSWORD = 'a password of the test';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const OTHER = 'other';

describe('keys and people', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start('postgres', { ADMIN_PUBLIC_URL: 'https://spillway.example.com' }, ['admin']);
    await stack.configure();
    await stack.client.post('/apply', {
      documents: [{ apiVersion: 'spillway/v1', kind: 'Tenant', metadata: { name: OTHER } }],
    });
  }, 60_000);

  afterAll(() => stack?.close(), 60_000);

  const sql = (text: string, values: unknown[] = []) => stack.platform.database.pool.query(text, values);
  const makeKey = (body: object) => stack.client.post<{ id: string; token: string }>('/keys', body);
  const withKey = (token: string) => new Client(stack.admin, token);
  const keyNamed = async (name: string) =>
    (await stack.client.get<{ keys: ApiKeyInfo[] }>('/keys')).keys.find((key) => key.name === name)!;
  const applyKey = (name: string, spec: object, client = stack.client) =>
    client.post<{ applied: { action: string; token?: string }[] }>('/apply', {
      documents: [{ apiVersion: 'spillway/v1', kind: 'ApiKey', metadata: { name, tenant: TENANT }, spec }],
    });

  describe('an API key', () => {
    it('is shown once and kept as a digest', async () => {
      const { token } = await makeKey({ name: 'once', tenant: TENANT, scopes: ['events:read'] });
      expect(token).toMatch(/^spw_[A-Za-z0-9_-]{43}$/);
      expect(await withKey(token).get('/me')).toMatchObject({ kind: 'key', actor: 'key:once' });
      const { rows } = await sql('select row_to_json(k)::text as all from api_keys k');
      const listed = JSON.stringify(await stack.client.get('/keys'));
      expect([JSON.stringify(rows).includes(token), listed.includes(token)]).toEqual([false, false]);
    });

    it('tells when it was last used, and writes that once a minute at most', async () => {
      const { token } = await makeKey({ name: 'used', scopes: ['events:read'] });
      await withKey(token).get('/me');
      const first = await eventually(async () => (await keyNamed('used')).lastUsedAt);
      stack.platform.apiKeys.forget();
      await withKey(token).get('/me');
      expect((await keyNamed('used')).lastUsedAt).toBe(first);
      await sql(`update api_keys set last_used_at = now() - interval '2 minutes' where name = 'used'`);
      stack.platform.apiKeys.forget();
      await withKey(token).get('/me');
      await eventually(async () => String((await keyNamed('used')).lastUsedAt) > String(first));
    });

    it('ends when it expires, and when it is revoked: at once, in every process', async () => {
      const soon = new Date(Date.now() + 60_000).toISOString();
      const { id, token } = await makeKey({ name: 'ending', scopes: ['events:read'], expiresAt: soon });
      const elsewhere = await openPlatform(loadConfig(stack.servers.environment()));
      try {
        expect(await elsewhere.apiKeys.find(token)).toMatchObject({ name: 'ending' });
        await sql(`update api_keys set expires_at = now() where id = $1`, [id]);
        stack.platform.apiKeys.forget();
        await expect(withKey(token).get('/me')).rejects.toThrow('the API key is not valid');
        const other = await makeKey({ name: 'revoked', scopes: ['events:read'] });
        await elsewhere.apiKeys.find(other.token);
        await stack.client.delete(`/keys/${other.id}`);
        await expect(withKey(other.token).get('/me')).rejects.toThrow('the API key is not valid');
        // Long before the ten seconds for which it would have been remembered.
        await eventually(async () => !(await elsewhere.apiKeys.find(other.token)), { withinMs: 5_000 });
      } finally {
        await elsewhere.close();
      }
    });

    it('gets a new secret, beside which the one before works for a while', async () => {
      const { id, token } = await makeKey({ name: 'rotated', scopes: ['events:read'] });
      const next = await stack.client.post<{ token: string; previousUntil: string }>(`/keys/${id}/rotate`, {
        overlap: '1h',
      });
      expect(Date.parse(next.previousUntil) - Date.now()).toBeGreaterThan(3_500_000);
      for (const one of [token, next.token])
        expect(await withKey(one).get('/me')).toMatchObject({ actor: 'key:rotated' });
      await eventually(async () => (await keyNamed('rotated')).previousUsedAt);
      await sql('update api_keys set previous_until = now() where id = $1', [id]);
      stack.platform.apiKeys.forget();
      await expect(withKey(token).get('/me')).rejects.toThrow('not valid');
      const last = await stack.client.post<{ token: string }>(`/keys/${id}/rotate`, { overlap: '0s' });
      await expect(withKey(next.token).get('/me')).rejects.toThrow('not valid');
      expect(await withKey(last.token).get('/me')).toMatchObject({ actor: 'key:rotated' });
    });

    it('of a document keeps its secret when its scopes change, and is rotated when its secret changes', async () => {
      const [first, second] = ['spw_first_secret_of_the_test', 'spw_second_secret_of_the_test'];
      await applyKey('document', { scopes: ['events:read'], secret: { value: first } });
      await applyKey('document', { scopes: ['events:read', 'jobs:read'], secret: { value: first } });
      expect(await withKey(first).get('/me')).toMatchObject({ grants: [{ scopes: ['events:read', 'jobs:read'] }] });
      await applyKey('document', { scopes: ['events:read'], secret: { value: second } });
      for (const one of [first, second]) expect(await withKey(one).get('/me')).toMatchObject({ actor: 'key:document' });
      const made = await applyKey('made', { scopes: ['events:read'] });
      const again = await applyKey('made', { scopes: ['jobs:read'] });
      expect([made.applied[0]!.token, again.applied[0]!.token]).toEqual([expect.stringMatching(/^spw_/), undefined]);
      expect(await withKey(made.applied[0]!.token!).get('/me')).toMatchObject({ grants: [{ scopes: ['jobs:read'] }] });
    });

    it('cannot make, rotate or apply a key that may do more than itself', async () => {
      const scopes = ['keys:write', 'keys:read', 'resources:write', 'events:read'];
      const { token } = await makeKey({ name: 'maker', tenant: TENANT, scopes });
      const strong = await makeKey({ name: 'strong', tenant: TENANT, scopes: ['*'] });
      const elsewhere = await makeKey({ name: 'strong', tenant: OTHER, scopes: ['events:read'] });
      const platform = await makeKey({ name: 'weak', scopes: ['events:read'] });
      const maker = withKey(token);
      await expect(maker.post('/keys', { name: 'x', scopes: ['*'] })).rejects.toThrow('it would give *');
      await expect(maker.post('/keys', { name: 'x', scopes: ['payloads:read'] })).rejects.toThrow('payloads:read');
      await expect(maker.post('/keys', { name: 'x', tenant: OTHER, scopes: ['events:read'] })).rejects.toThrow(
        'may not',
      );
      await expect(maker.post(`/keys/${strong.id}/rotate`, {})).rejects.toThrow('it would give *');
      await expect(maker.post(`/keys/${elsewhere.id}/rotate`, {})).rejects.toThrow('there is no key');
      await expect(maker.delete(`/keys/${elsewhere.id}`)).rejects.toThrow('there is no key');
      await expect(maker.delete(`/keys/${platform.id}`)).rejects.toThrow('there is no key');
      await expect(applyKey('x', { scopes: ['jobs:write'] }, maker)).rejects.toThrow('it would give jobs:write');
      expect(await maker.post('/keys', { name: 'child', scopes: ['events:read'] })).toMatchObject({ tenant: TENANT });
      const listed = await maker.get<{ keys: ApiKeyInfo[] }>('/keys');
      expect(new Set(listed.keys.map((key) => key.tenant))).toEqual(new Set([TENANT]));
      expect((await keyNamed('child')).createdBy).toBe('key:maker');
    });

    it('has a name that no other of its tenant has', async () => {
      await makeKey({ name: 'unique', tenant: TENANT, scopes: ['events:read'] });
      await expect(makeKey({ name: 'unique', tenant: TENANT, scopes: ['*'] })).rejects.toThrow(
        'there is a key "unique"',
      );
      await makeKey({ name: 'unique', scopes: ['events:read'] });
    });
  });

  const addUser = (name: string, role: string, tenant?: string) =>
    stack.client.put(`/users/${name}`, { password: PASSWORD, role, ...(tenant && { tenant }) });
  const login = async (name: string, password = PASSWORD, cookie = '') => {
    const answer = await post(`${stack.admin}/login`, new URLSearchParams({ name, password }).toString(), {
      ...FORM,
      cookie,
    });
    const header = String(answer.headers['set-cookie'] ?? '');
    return { status: answer.status, header, cookie: header.split(';')[0]! };
  };
  const call = async (cookie: string, path: string, method = 'GET', body?: object) => {
    const response = await request(`${stack.admin}/api/v1${path}`, {
      method: method as 'GET',
      headers: { cookie, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
  };

  describe('a user', () => {
    it('whose password was stored by an earlier version logs in, and it is stored anew', async () => {
      const salt = randomBytes(16);
      const hash = scryptSync(PASSWORD, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
      const stored = ['scrypt', 2 ** 14, 8, 1, salt.toString('base64'), hash.toString('base64')].join('$');
      await sql(`insert into users (name, password) values ('old', $1)`, [stored]);
      expect((await login('old', 'wrong password')).status).toBe(401);
      expect((await login('old')).status).toBe(303);
      const { rows } = await sql(`select password from users where name = 'old'`);
      expect(JSON.stringify(rows)).toMatch(/"\$argon2id\$/);
      expect((await login('old')).status).toBe(303);
    });

    it('may do other things in other tenants, and nothing in the rest', async () => {
      await addUser('two', 'viewer', TENANT);
      await stack.client.put(`/users/two/roles/${OTHER}`, { role: 'operator' });
      const { cookie } = await login('two');
      const several = await call(cookie, '/events');
      expect([several.status, several.body['code'], several.body['remedy']]).toEqual([
        400,
        'tenant-missing',
        expect.stringContaining(OTHER),
      ]);
      expect((await call(cookie, `/events?tenant=${TENANT}`)).status).toBe(200);
      const redrive = (tenant: string) => call(cookie, '/dead-letters/redrive', 'POST', { tenant });
      expect([(await redrive(TENANT)).status, (await redrive(OTHER)).status]).toEqual([403, 200]);
      expect((await call(cookie, '/events?tenant=nobodys')).status).toBe(403);
      expect((await call(cookie, '/queues/notifications/pause', 'POST', {})).status).toBe(403);
      const tenants = await call(cookie, '/tenants');
      expect((tenants.body['tenants'] as { name: string }[]).map(({ name }) => name).sort()).toEqual(
        [TENANT, OTHER].sort(),
      );
      await stack.client.delete(`/users/two/roles/${OTHER}`);
      expect((await redrive(OTHER)).status).toBe(403);
    });

    it('who is admin of a tenant manages its people, and nobody who may do more', async () => {
      await addUser('boss', 'admin', TENANT);
      await addUser('both', 'viewer', TENANT);
      await stack.client.put(`/users/both/roles/${OTHER}`, { role: 'viewer' });
      const { cookie } = await login('boss');
      const put = async (path: string, body: object) => (await call(cookie, path, 'PUT', body)).status;
      expect(await put('/users/hired', { password: PASSWORD, role: 'operator', tenant: TENANT })).toBe(200);
      expect(await put('/users/hired', { password: `${PASSWORD}!` })).toBe(200);
      expect(await put('/users/hired', { role: 'viewer' })).toBe(403);
      expect(await put('/users/hired/roles/*', { role: 'viewer' })).toBe(403);
      expect(await put(`/users/hired/roles/${OTHER}`, { role: 'viewer' })).toBe(403);
      // Their password would open the other tenant, too.
      expect(await put('/users/both', { password: PASSWORD })).toBe(403);
      expect(await put('/users/admin', { password: PASSWORD })).toBe(403);
      expect((await call(cookie, '/users/both', 'DELETE')).status).toBe(403);
      expect((await call(cookie, '/users/hired', 'DELETE')).status).toBe(200);
      const { body } = await call(cookie, '/users');
      const seen = body['users'] as { name: string; roles: { tenant: string }[] }[];
      expect(seen.map(({ name }) => name).sort()).not.toContain('admin');
      expect(seen.flatMap(({ roles }) => roles).every(({ tenant }) => tenant === TENANT)).toBe(true);
    });

    it('gets a new session at each login; over TLS its cookie stays there', async () => {
      await addUser('sam', 'viewer');
      const first = await login('sam');
      expect(first.header).toMatch(/HttpOnly; Secure; SameSite=Strict/);
      const second = await login('sam', PASSWORD, first.cookie);
      expect(second.cookie).not.toBe(first.cookie);
      expect([(await call(first.cookie, '/me')).status, (await call(second.cookie, '/me')).status]).toEqual([401, 200]);
    });

    it('is logged out after a time without requests, and after a time in any case', async () => {
      await addUser('tim', 'viewer');
      for (const change of [`used_at = now() - interval '61 minutes'`, `expires_at = now() - interval '1 second'`]) {
        const { cookie } = await login('tim');
        await sql(`update sessions set used_at = now() - interval '59 minutes' where user_name = 'tim'`);
        expect((await call(cookie, '/me')).status).toBe(200);
        await sql(`update sessions set ${change} where user_name = 'tim'`);
        expect([change, (await call(cookie, '/me')).status]).toEqual([change, 401]);
      }
    });

    it('sees their sessions, ends them, and with a new password all others', async () => {
      await addUser('pat', 'viewer');
      const [here, there, gone] = [await login('pat'), await login('pat'), await login('pat')];
      const { body } = await call(here.cookie, '/me/sessions');
      const sessions = body['sessions'] as { id: string; current: boolean; address: string }[];
      expect(sessions.map(({ current }) => current)).toEqual([false, false, true]);
      expect((await call(here.cookie, `/me/sessions/${sessions[0]!.id}`, 'DELETE')).status).toBe(200);
      expect((await call(gone.cookie, '/me')).status).toBe(401);
      const change = (current: string) =>
        call(here.cookie, '/me/password', 'POST', { current, next: 'another password' });
      expect((await change('wrong password')).body['code']).toBe('password-wrong');
      expect((await change(PASSWORD)).status).toBe(200);
      expect([(await call(here.cookie, '/me')).status, (await call(there.cookie, '/me')).status]).toEqual([200, 401]);
      expect([(await login('pat')).status, (await login('pat', 'another password')).status]).toEqual([401, 303]);
      await stack.client.put('/users/pat', { password: PASSWORD });
      expect((await call(here.cookie, '/me')).status).toBe(401);
    });

    it('who is removed is out at once; keys they made go on, and are named', async () => {
      await addUser('leaver', 'admin', TENANT);
      const { cookie } = await login('leaver');
      await call(cookie, '/keys', 'POST', { name: 'left-behind', scopes: ['events:read'] });
      const { keys } = await stack.client.delete<{ keys: { name: string }[] }>('/users/leaver');
      expect(keys).toEqual([expect.objectContaining({ name: 'left-behind' })]);
      expect((await call(cookie, '/me')).status).toBe(401);
    });

    it('leaves logins, refused ones too, in the audit log', async () => {
      await addUser('logged', 'viewer');
      await login('logged', 'wrong password');
      await login('logged');
      const { entries } = await stack.client.get<{ entries: object[] }>('/audit', { actor: 'user:logged' });
      expect(entries).toEqual([
        expect.objectContaining({ action: 'login', outcome: 'done', address: '127.0.0.1' }),
        expect.objectContaining({ action: 'login', outcome: 'refused' }),
      ]);
    });

    it('of a removed tenant finds nothing in a new one of that name', async () => {
      const tenant = { apiVersion: 'spillway/v1', kind: 'Tenant', metadata: { name: 'gone' } };
      await stack.client.post('/apply', { documents: [tenant] });
      await addUser('stayer', 'admin', 'gone');
      await stack.client.delete('/resources/Tenant/gone/gone');
      await stack.client.post('/apply', { documents: [tenant] });
      expect((await call((await login('stayer')).cookie, '/events?tenant=gone')).status).toBe(403);
    });
  });

  describe('the command line', () => {
    const run = async (command: typeof keyCommands, ...args: string[]) => {
      process.env['SPILLWAY_URL'] = stack.admin;
      process.env['SPILLWAY_API_KEY'] = API_KEY;
      const out: string[] = [];
      const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
      try {
        await command.parseAsync(args, { from: 'user' });
      } finally {
        write.mockRestore();
      }
      return out.join('');
    };

    it('makes, lists, rotates and revokes keys', async () => {
      const made = await run(
        keyCommands,
        'create',
        'shell',
        '--tenant',
        TENANT,
        '--scope',
        'events:read',
        'payloads:read',
      );
      const [, id, token] = /^key (\S+)\n(spw_\S+)\n\(shown this once\)/.exec(made)!;
      expect(await withKey(token!).get('/me')).toMatchObject({ actor: 'key:shell' });
      expect(await run(keyCommands, 'list', '--tenant', TENANT)).toMatch(
        new RegExp(`${id}  shell .* valid +events:read`),
      );
      const rotated = await run(keyCommands, 'rotate', id!, '--overlap', '2h');
      expect(rotated).toMatch(/spw_\S+\n\(shown this once\)\nthe secret before works until /);
      expect(await run(keyCommands, 'list')).toContain('rotated; old secret until');
      expect(await run(keyCommands, 'revoke', id!)).toBe('shell was revoked\n');
      expect(await run(keyCommands, 'list')).not.toContain(id);
    });

    it('adds, lists, changes and removes users', async () => {
      const added = await run(userCommands, 'add', 'cli', '--role', 'operator', '--tenant', TENANT);
      const [, password] = /^cli is operator in acme\npassword (\S+)\n\(shown this once\)/.exec(added)!;
      expect((await login('cli', password)).status).toBe(303);
      expect(await run(userCommands, 'role', 'cli', '--role', 'viewer')).toBe('cli: viewer everywhere\n');
      expect(await run(userCommands, 'list')).toMatch(/cli +viewer@\* operator@acme +password +20/);
      expect(await run(userCommands, 'role', 'cli', '--role', 'none', '--tenant', TENANT)).toBe(
        'cli: no role in acme\n',
      );
      const changed = await run(userCommands, 'password', 'cli');
      expect((await login('cli', password)).status).toBe(401);
      expect((await login('cli', /password (\S+)\n\(shown/.exec(changed)![1])).status).toBe(303);
      expect(await run(userCommands, 'remove', 'cli')).toBe('cli was removed\n');
      await expect(run(userCommands, 'password', 'cli')).rejects.toThrow('there is no user cli');
    });

    it('lists, exports and verifies the audit log, here and without the installation', async () => {
      const listed = await run(auditCommands, 'list', '--action', 'key.*', '--limit', '5');
      expect(listed).toMatch(/key:admin +key\.\w+ .* done +127\.0\.0\.1/);
      const verified = await run(auditCommands, 'verify');
      const [, anchor] = /entries, whole\nhead (\d+:[0-9a-f]{64})\n$/.exec(verified)!;
      expect(await run(auditCommands, 'verify', '--anchor', anchor!)).toContain('whole');
      const lines = (await run(auditCommands, 'export')).trim().split('\n');
      const directory = mkdtempSync(join(tmpdir(), 'spillway-audit-'));
      const file = join(directory, 'audit.jsonl');
      writeFileSync(file, lines.join('\n'));
      expect(await run(auditCommands, 'verify', '--file', file, '--anchor', anchor!)).toContain('whole');
      writeFileSync(file, lines.toSpliced(3, 1).join('\n'));
      expect(await run(auditCommands, 'verify', '--file', file)).toContain('WRONG missing: entry 4 is missing');
      expect(process.exitCode).toBe(1);
      process.exitCode = undefined;
      rmSync(directory, { recursive: true });
    });
  });
});
