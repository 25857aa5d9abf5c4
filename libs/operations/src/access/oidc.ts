import type { OidcConfig } from '@spillway/config';
import { BadRequestError, messageOf, TransientError } from '@spillway/contracts';
import type { Sealer } from '@spillway/tenancy';
import type * as Client from 'openid-client';
import { admit } from './oidc-rules';
import type { Identity, RoleIn } from './users';

/** What the browser keeps, sealed, while its user is at the provider. */
interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  next: string;
  /** Unix milliseconds. */
  until: number;
}

export interface Vouched {
  identity: Identity;
  name: string;
  roles: Omit<RoleIn, 'mapped'>[];
  next: string;
}

export const CALLBACK_PATH = '/login/oidc/callback';
/** How long a login at the provider may take. */
export const PENDING_MS = 10 * 60_000;
/** The provider's keys and addresses are asked for anew after so long. */
const REDISCOVER_MS = 24 * 3_600_000;
const PLACE = 'oidc login';

/** Login through an OpenID provider: authorization code with PKCE, state and nonce. */
export class OidcLogin {
  private known?: { at: number; configuration: Promise<Client.Configuration> };

  constructor(
    readonly config: OidcConfig,
    /** What people call the admin. */
    private readonly base: string,
    private readonly sealer: Sealer,
  ) {}

  /** @returns where to send the browser, and what it is to bring back */
  async begin(next: string): Promise<{ url: string; pending: string }> {
    const client = await import('openid-client');
    const configuration = await this.configuration();
    const verifier = client.randomPKCECodeVerifier();
    const pending: Pending = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier,
      next,
      until: Date.now() + PENDING_MS,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.base + CALLBACK_PATH,
      scope: this.config.scopes,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, pending: this.sealer.seal(JSON.stringify(pending), PLACE) };
  }

  /**
   * @param query what the provider added to the address, with its `?`
   * @throws BadRequestError `login-failed` (401), `login-refused` (403)
   */
  async finish(query: string, sealed: string | undefined): Promise<Vouched> {
    const pending = this.open(sealed);
    const client = await import('openid-client');
    const configuration = await this.configuration();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(this.base + CALLBACK_PATH + query), {
        pkceCodeVerifier: pending.verifier,
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
      });
      const token = tokens.claims()!;
      // Many providers keep address and groups for this; what the token says counts more.
      const more = configuration.serverMetadata().userinfo_endpoint
        ? await client.fetchUserInfo(configuration, tokens.access_token, token.sub)
        : {};
      const admitted = admit(this.config, { ...more, ...token });
      return { identity: { issuer: token.iss, subject: token.sub }, next: pending.next, ...admitted };
    } catch (cause) {
      if (cause instanceof BadRequestError) throw cause;
      throw failed(`the OpenID provider’s answer was not accepted: ${messageOf(cause)}`, cause);
    }
  }

  /** Where the browser goes to be logged out at the provider, too; undefined when the provider has no such place. */
  async logoutUrl(): Promise<string | undefined> {
    const client = await import('openid-client');
    const configuration = await this.configuration();
    if (!configuration.serverMetadata().end_session_endpoint) return undefined;
    return client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: `${this.base}/login` }).href;
  }

  /** @throws BadRequestError `login-failed` (401) */
  private open(sealed: string | undefined): Pending {
    if (!sealed) throw failed('this browser did not begin a login');
    let pending: Pending;
    try {
      pending = JSON.parse(this.sealer.open(sealed, PLACE)) as Pending;
    } catch (cause) {
      throw failed('this browser’s login was not begun here', cause);
    }
    if (pending.until < Date.now()) throw failed('the login took too long');
    return pending;
  }

  private async configuration(): Promise<Client.Configuration> {
    if (!this.known || this.known.at + REDISCOVER_MS < Date.now()) {
      this.known = { at: Date.now(), configuration: this.discover() };
    }
    try {
      return await this.known.configuration;
    } catch (cause) {
      this.known = undefined;
      throw new TransientError(`the OpenID provider ${this.config.issuer} does not answer: ${messageOf(cause)}`, {
        code: 'oidc-unavailable',
        status: 503,
        retryAfterMs: 5_000,
        remedy: 'Log in with a password, or check OIDC_ISSUER.',
        cause,
      });
    }
  }

  private async discover(): Promise<Client.Configuration> {
    const client = await import('openid-client');
    const { issuer, clientId, clientSecret } = this.config;
    // Only for an issuer on this machine, which libs/config makes sure of.
    const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
    const authentication = clientSecret ? undefined : client.None();
    return client.discovery(new URL(issuer), clientId, clientSecret, authentication, { execute, timeout: 10 });
  }
}

function failed(message: string, cause?: unknown): BadRequestError {
  return new BadRequestError(message, { code: 'login-failed', status: 401, remedy: 'Begin again at /login.', cause });
}
