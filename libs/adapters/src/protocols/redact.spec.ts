import * as fc from 'fast-check';
import { redactor } from './redact';

describe('blanking secrets', () => {
  it('finds them in objects, in JSON text and percent-encoded', () => {
    const redact = redactor({ a: 'one/secret', b: '{"password":"two-secret"}' }, ['three-secret']);
    expect(redact('x one/secret y one%2Fsecret z two-secret three-secret')).toBe('x *** y *** z *** ***');
  });

  it('blanks a secret that holds another one wholly', () => {
    expect(redactor(['abcd', 'abcdefgh'])('abcdefgh')).toBe('***');
  });

  it('leaves nothing of four characters and more', () => {
    const secret = fc.string({ minLength: 4 }).filter((text) => !'***'.includes(text) && !text.includes('*'));
    fc.assert(
      fc.property(fc.array(secret), fc.string(), fc.string(), (secrets, before, after) => {
        const text = before + secrets.join(' ') + after;
        const left = redactor(secrets)(text);
        return secrets.every((one) => !left.includes(one));
      }),
    );
  });
});
