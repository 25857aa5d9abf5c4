import { answerChallenge, parseChallenges } from './digest';

// RFC 7616 §3.9.1
const HEADER =
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", ' +
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const CREDENTIALS = { username: 'Mufasa', password: 'Circle of Life' };
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const REQUEST = { method: 'GET', uri: '/dir/index.html' };

describe('digest', () => {
  it('prefers the stronger challenge', () => {
    expect(parseChallenges(HEADER).map(({ algorithm }) => algorithm)).toEqual(['SHA-256', 'MD5']);
    expect(parseChallenges(`Basic realm="a, b", ${HEADER}, Bearer error="x"`)).toHaveLength(2);
    expect(parseChallenges('Digest realm="r", nonce="n", algorithm=UNHEARD-OF')).toEqual([]);
    expect(parseChallenges('Basic realm="r"')).toEqual([]);
  });

  it('answers as the examples of RFC 7616', () => {
    const [sha256, md5] = parseChallenges(HEADER).map((challenge) =>
      answerChallenge(challenge, CREDENTIALS, REQUEST, CNONCE, 1),
    );
    expect(md5).toContain('response="8ca523f5e9506fed4657c9700eebdbec"');
    expect(sha256).toContain('response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
    expect(sha256).toContain('nc=00000001, ');
    expect(sha256).toContain('qop=auth, ');
  });

  it('hides the name with SHA-512-256 and userhash (RFC 7616 §3.9.2)', () => {
    const [challenge] = parseChallenges(
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    );
    const answer = answerChallenge(
      challenge!,
      { username: 'Jäsøn Doe', password: 'Secret, or not?' },
      { method: 'GET', uri: '/doe.json' },
      'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
      1,
    );
    // The RFC prints values of a hash that is not SHA-512/256 (errata 4897); these are of that erratum.
    expect(answer).toContain('username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"');
    expect(answer).toContain('response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"');
    expect(answer).toContain('userhash=true');
  });
});
