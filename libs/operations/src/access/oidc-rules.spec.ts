import type { OidcConfig, RoleRule } from '@spillway/config';
import { admit, match, rolesOf } from './oidc-rules';

const config: OidcConfig = {
  issuer: 'https://login.example.com',
  clientId: 'spillway',
  scopes: 'openid',
  name: 'Example',
  userClaim: 'email',
  domains: [],
  roles: [],
};
const ann = { sub: '1', email: 'Ann@Example.com', email_verified: true };

describe('what claims come to', () => {
  it.each([
    ['ops', 'ops', ''],
    ['ops', 'ops2', undefined],
    ['team-*', 'team-acme', 'acme'],
    ['*@example.com', 'ann@example.com', 'ann'],
    ['team-*-ops', 'team-acme-ops', 'acme'],
    ['aba*aba', 'aba', undefined],
    ['*', '', ''],
  ])('%s and %s', (pattern, value, rest) => {
    expect(match(pattern, value)).toBe(rest);
  });

  it('is the strongest role for each tenant', () => {
    const rules: RoleRule[] = [
      { claim: 'groups', has: 'ops', role: 'operator', tenant: 'acme' },
      { claim: 'groups', has: '*', role: 'viewer', tenant: 'acme' },
      { claim: 'groups', has: 't-*', role: 'admin', tenant: '*' },
      { claim: 'boss', has: 'yes', role: 'admin' },
    ];
    expect(rolesOf(rules, { groups: ['ops', 't-shop', 't-Not A Name'], boss: 'no' })).toEqual([
      { tenant: 'acme', role: 'operator' },
      { tenant: 'shop', role: 'admin' },
    ]);
    expect(rolesOf(rules, { groups: 7, boss: 'yes' })).toEqual([{ tenant: null, role: 'admin' }]);
  });

  it('is nothing for an address that nobody verified', () => {
    const rules: RoleRule[] = [{ claim: 'email', has: '*@example.com', role: 'admin' }];
    expect(rolesOf(rules, { ...ann, email: 'ann@example.com' })).toHaveLength(1);
    for (const email_verified of [false, undefined, 'true'])
      expect(rolesOf(rules, { ...ann, email_verified })).toEqual([]);
    expect(admit(config, { ...ann, email_verified: false }).name).toBe('1');
  });

  it('is a name in small letters, of a domain that may', () => {
    expect(admit({ ...config, domains: ['example.com'] }, ann).name).toBe('ann@example.com');
    expect(() => admit({ ...config, domains: ['example.org'] }, ann)).toThrow('domain');
    expect(() => admit({ ...config, domains: ['example.com'] }, { ...ann, email: 'x@example.com@evil.org' })).toThrow(
      'domain',
    );
    expect(() => admit({ ...config, userClaim: 'name' }, { name: 'two words' })).toThrow('no name of a user');
    expect(() => admit(config, {})).toThrow('no name of a user');
  });
});
