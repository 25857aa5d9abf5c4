import { createPrivateKey, webcrypto } from 'node:crypto';
import type * as OAuth from 'oauth4webapi';
import { refuse } from '../protocols/failure';
import { type OAuth2Properties } from './policy';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * How the client proves itself at the token endpoint. For `private_key_jwt` the assertion is a JWT, as the DSL says,
 * or a private key in PEM (PKCS #8), with which an assertion is signed for each request: a JWT made once expires.
 *
 * @param audience of assertions we sign
 * @throws PermanentError `authentication-invalid` when something is missing
 */
export async function clientAuthentication(
  oauth: typeof OAuth,
  client: OAuth2Properties['client'],
  audience: string,
): Promise<OAuth.ClientAuth> {
  const method = client?.authentication ?? (client?.secret === undefined ? 'none' : 'client_secret_post');
  if (method !== 'none' && !client?.id) throw invalid('client.id is missing');
  const signed: OAuth.ModifyAssertionOptions = {
    [oauth.modifyAssertion]: (_header, payload) => void (payload.aud = audience),
  };
  switch (method) {
    case 'none':
      return client?.id ? oauth.None() : () => undefined;
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(secretOf(client));
    case 'client_secret_post':
      return oauth.ClientSecretPost(secretOf(client));
    case 'client_secret_jwt':
      return oauth.ClientSecretJwt(secretOf(client), signed);
    case 'private_key_jwt': {
      const assertion = client?.assertion;
      if (!assertion) throw invalid('client.assertion is missing');
      if (assertion.includes('-----BEGIN')) return oauth.PrivateKeyJwt(await importKey(assertion), signed);
      return (_server, { client_id: id }, body) => {
        body.set('client_id', id);
        body.set('client_assertion_type', JWT_BEARER);
        body.set('client_assertion', assertion);
      };
    }
  }
}

function secretOf(client: OAuth2Properties['client']): string {
  if (!client?.secret) throw invalid('client.secret is missing');
  return client.secret;
}

/** RSA keys sign with RS256, those on P-256 with ES256, Ed25519 with EdDSA. */
async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const key = createPrivateKey(pem);
    const algorithm = ALGORITHMS[key.asymmetricKeyType ?? ''];
    if (!algorithm) throw new TypeError('unknown kind of key');
    const bytes = key.export({ format: 'der', type: 'pkcs8' });
    return await webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
  } catch {
    // Not as a cause: it may repeat parts of the key.
    throw invalid('client.assertion is no private key of the kinds RSA, EC P-256 or Ed25519');
  }
}

const ALGORITHMS: Record<string, { name: string; hash?: string; namedCurve?: string }> = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ec: { name: 'ECDSA', namedCurve: 'P-256' },
  ed25519: { name: 'Ed25519' },
};

function invalid(message: string) {
  return refuse('configuration', 'authentication-invalid', `authentication oauth2: ${message}`);
}
