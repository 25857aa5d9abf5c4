import { randomBytes, scryptSync } from 'node:crypto';
import { hashPassword, isOutdated, passwordMatches } from './passwords';

const PASSWORD = 'a long password';

/** As versions before argon2id stored it. */
function scryptHash(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  return ['scrypt', 2 ** 14, 8, 1, salt.toString('base64'), hash.toString('base64')].join('$');
}

describe('a stored password', () => {
  it('is a PHC string of argon2id, and different each time', async () => {
    const [one, two] = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
  });

  it('matches its password only', async () => {
    const stored = await hashPassword(PASSWORD);
    expect(await passwordMatches(PASSWORD, stored)).toBe(true);
    expect(await passwordMatches(`${PASSWORD} `, stored)).toBe(false);
    expect(await passwordMatches('', stored)).toBe(false);
  });

  it('matches however an accent was typed', async () => {
    expect(await passwordMatches('cafe\u0301 au lait', await hashPassword('caf\u00e9 au lait'))).toBe(true);
  });

  it('of an earlier version matches, too, and is outdated', async () => {
    const stored = scryptHash(PASSWORD);
    expect([await passwordMatches(PASSWORD, stored), await passwordMatches('other', stored)]).toEqual([true, false]);
    expect(isOutdated(stored)).toBe(true);
    expect(isOutdated(await hashPassword(PASSWORD))).toBe(false);
    expect(isOutdated(await hashPassword(PASSWORD, { memory: 8_192, passes: 1, parallelism: 1 }))).toBe(true);
  });

  it.each(['', 'plain', 'scrypt$', '$argon2id$v=19$m=1$x$y', '$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA'])(
    'that is not one matches nothing: %p',
    async (stored) => {
      expect(await passwordMatches(PASSWORD, stored)).toBe(false);
    },
  );
});
