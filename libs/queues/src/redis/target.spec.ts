import { assert, array, constantFrom, integer, property, string, tuple } from 'fast-check';
import { parseNatMap, parseTarget } from './target';

describe('REDIS_URL', () => {
  it('is one server', () => {
    for (const url of ['redis://localhost', 'rediss://u:p@h:6380/2'])
      expect(parseTarget(url)).toEqual({ kind: 'single', url });
  });

  it('is a cluster', () => {
    expect(parseTarget('redis+cluster://a,b:7001,[::1]:7002')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7001 },
        { host: '::1', port: 7002 },
      ],
      tls: false,
    });
    expect(parseTarget('rediss+cluster://:p%40ss:w@a')).toMatchObject({
      password: 'p@ss:w',
      username: undefined,
      tls: true,
    });
  });

  it('is a set of sentinels', () => {
    expect(parseTarget('redis+sentinel://user:pass@a,b:1/main/3?sentinel_password=s')).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 1 },
      ],
      name: 'main',
      db: 3,
      username: 'user',
      password: 'pass',
      sentinelPassword: 's',
      tls: false,
    });
  });

  it('that is wrong is said to be', () => {
    const wrong = [
      'localhost',
      'http://x',
      'redis+sentinel://a',
      'redis+cluster://a:x',
      'redis+cluster://a/1',
      'redis://a,b',
    ];
    for (const url of wrong) expect(() => parseTarget(url)).toThrow(/REDIS_URL/);
  });

  it('keeps any password and any hosts', () => {
    const host = tuple(constantFrom('a', 'redis-0.redis', '10.0.0.1', '[::1]'), integer({ min: 1, max: 65_535 }));
    assert(
      property(string({ unit: 'binary' }), array(host, { minLength: 1, maxLength: 4 }), (password, hosts) => {
        const list = hosts.map(([name, port]) => `${name}:${port}`).join(',');
        expect(parseTarget(`redis+cluster://me:${encodeURIComponent(password)}@${list}`)).toMatchObject({
          username: 'me',
          password: password || undefined,
          nodes: hosts.map(([name, port]) => ({ host: name.replace(/[[\]]/g, ''), port })),
        });
      }),
    );
  });
});

describe('REDIS_NAT_MAP', () => {
  it('says where the servers are to be reached', () => {
    expect(parseNatMap(undefined)).toBeUndefined();
    expect(parseNatMap('10.0.0.1:6379=out:30001,10.0.0.2=out:30002')).toEqual({
      '10.0.0.1:6379': { host: 'out', port: 30_001 },
      '10.0.0.2:6379': { host: 'out', port: 30_002 },
    });
    expect(() => parseNatMap('x')).toThrow(/REDIS_NAT_MAP/);
  });
});
