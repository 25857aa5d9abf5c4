import { createHash } from 'node:crypto';
import { messageOf, RateLimitedError, SpillwayError, TransientError } from '@spillway/contracts';
import type * as OAuth from 'oauth4webapi';
import { type ProtocolContext } from '../protocols/context';
import { exchange, type IncomingAnswer } from '../protocols/exchange';
import { EXCERPT_CHARACTERS, refuse, STANDARD_ERRORS } from '../protocols/failure';
import { redactor } from '../protocols/redact';
import { failed } from '../protocols/http';
import { expandUriTemplate } from '../protocols/uri-template';
import { type Authenticator } from './authenticator';
import { clientAuthentication } from './client-authentication';
import { type OAuth2Properties } from './policy';
import { type AccessToken, accessToken, TokenCache } from './token-cache';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
/** A token request ends by then even if nobody waits for it any more, milliseconds. */
const REQUEST_TIMEOUT_MS = 15_000;
const MOST_ANSWER_BYTES = 262_144;
const DISCOVERY_MS = 600_000;
const WELL_KNOWN = '/.well-known/openid-configuration';

const tokens = new TokenCache();
const discovered = new Map<string, { server: OAuth.AuthorizationServer; until: number }>();
/** Refresh tokens that replaced those of a policy (RFC 6749 §6), as long as this process lives. */
const refreshed = new Map<string, string>();

/** Forgets tokens and discovered servers, for tests and after secrets have changed. */
export function forgetTokens(): void {
  tokens.clear();
  discovered.clear();
  refreshed.clear();
}

/** Bearer tokens of OAuth 2.0 (`oauth2`) or of a server found by OpenID Connect Discovery (`oidc`). */
export class OAuth2Authenticator implements Authenticator {
  private readonly key: string;
  private sent?: string;
  private renewed = false;

  constructor(
    private readonly kind: 'oauth2' | 'oidc',
    private readonly properties: OAuth2Properties,
    private readonly context: ProtocolContext,
  ) {
    const authority = expandUriTemplate(properties.authority, context.input);
    this.properties = { ...properties, authority };
    this.key = createHash('sha256')
      .update(JSON.stringify([context.tenant, kind, this.properties]))
      .digest('base64url');
  }

  async authorize(): Promise<Record<string, string>> {
    const request = tokens.get(this.key, () => this.obtain());
    const token = await untilAborted(request, this.context.signal);
    this.sent = token.value;
    return { authorization: `Bearer ${token.value}` };
  }

  async challenged(): Promise<boolean> {
    if (this.renewed || this.sent === undefined) return false;
    this.renewed = true;
    tokens.invalidate(this.key, this.sent);
    return true;
  }

  /** @throws PermanentError `token-refused`, `token-invalid`, `authentication-invalid`; SpillwayError of the exchange */
  private async obtain(): Promise<AccessToken> {
    const oauth = await import('oauth4webapi');
    const { client: given, request, issuers, grant } = this.properties;
    const http = { [oauth.customFetch]: this.fetcher(request?.encoding), [oauth.allowInsecureRequests]: true };
    try {
      const server = await this.server(oauth, http);
      const client: OAuth.Client = { client_id: given?.id || 'none' };
      const audience = this.kind === 'oidc' ? server.issuer : server.token_endpoint!;
      const proof = await clientAuthentication(oauth, given, audience);
      const parameters = parametersOf(this.properties, refreshed.get(this.key));
      const response = await oauth.genericTokenEndpointRequest(server, client, proof, grant, parameters, http);
      const answer = await oauth.processGenericTokenEndpointResponse(server, client, response);
      if (answer.token_type !== 'bearer') throw invalidToken(`its type is ${answer.token_type}, not bearer`);
      checkIssuer(answer, issuers);
      if (grant === 'refresh_token' && answer.refresh_token) refreshed.set(this.key, answer.refresh_token);
      return accessToken(answer.access_token, answer.expires_in);
    } catch (error) {
      throw this.explain(error);
    }
  }

  private async server(oauth: typeof OAuth, http: object): Promise<OAuth.AuthorizationServer> {
    const { authority, endpoints, issuers } = this.properties;
    if (this.kind === 'oauth2') {
      const path = expandUriTemplate(endpoints?.token ?? '/oauth2/token', this.context.input);
      const endpoint = /^https?:/.test(path) ? path : `${authority.replace(/\/$/, '')}/${path.replace(/^\//, '')}`;
      return { issuer: issuers?.[0] ?? authority, token_endpoint: endpoint };
    }
    const key = `${this.context.tenant} ${authority}`;
    const known = discovered.get(key);
    if (known && Date.now() < known.until) return known.server;
    // The reference gives the issuer or the address of its configuration.
    const issuer = new URL(authority.endsWith(WELL_KNOWN) ? authority.slice(0, -WELL_KNOWN.length) : authority);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
    discovered.set(key, { server, until: Date.now() + DISCOVERY_MS });
    return server;
  }

  /** HTTP for the library, under the context's rules; what is worth another try is thrown as such. */
  private fetcher(encoding?: string) {
    const { dispatcher } = this.context;
    const secrets = { ...this.context.secrets, ' own': credentialsOf(this.properties) };
    return async (
      url: string,
      { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
    ) => {
      const json = encoding === 'application/json' && body instanceof URLSearchParams;
      const text = body instanceof URLSearchParams ? body.toString() : undefined;
      const sent = json ? JSON.stringify(asObject(body)) : text;
      const outgoing = {
        method,
        url: new URL(url),
        headers: json ? { ...headers, 'content-type': 'application/json' } : headers,
        body: sent === undefined ? undefined : Buffer.from(sent),
      };
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const answer = await exchange(outgoing, { signal, dispatcher, secrets }, { mostBytes: MOST_ANSWER_BYTES });
      if (answer.status === 429 || answer.status >= 500) failed(outgoing, answer, false);
      if (answer.status !== 200) throw this.refused(answer);
      return new Response(new Uint8Array(answer.body), { status: answer.status, headers: answer.headers });
    };
  }

  /** RFC 6749 §5.2, read here since servers that add a WWW-Authenticate header hide it from the library. */
  private refused(answer: IncomingAnswer): SpillwayError {
    const text = answer.redact(answer.body.toString().slice(0, EXCERPT_CHARACTERS));
    const said = parsed(text) as { error?: unknown; error_description?: unknown } | undefined;
    const words = [said?.error, said?.error_description].filter((word) => typeof word === 'string');
    const reason = words.length > 0 ? words.join(': ').slice(0, 500) : `it answered ${answer.status}`;
    const message = `${this.where} gives no token: ${reason}`;
    return refuse('authentication', 'token-refused', message, 'Check the policy and its credentials.');
  }

  /** Tells what went wrong without the library's causes: they hold the requests and answers. */
  private explain(error: unknown): SpillwayError {
    if (error instanceof SpillwayError) return aboutTokens(error, this.where);
    const redact = redactor(this.context.secrets, credentialsOf(this.properties));
    if ((error as Error).name !== 'TimeoutError') return invalidToken(redact(`${this.where}: ${messageOf(error)}`));
    const message = `${this.where} did not answer in ${REQUEST_TIMEOUT_MS} ms`;
    return new TransientError(message, { code: 'token-unavailable', details: { ...STANDARD_ERRORS.authentication } });
  }

  private get where(): string {
    return `the authorization server ${URL.parse(this.properties.authority)?.origin ?? ''}`;
  }
}

/** Form fields of the token request. @throws PermanentError `authentication-invalid` */
export function parametersOf(properties: OAuth2Properties, refreshToken?: string): URLSearchParams {
  const { grant, scopes, audiences, username, password, subject, actor } = properties;
  const form = new URLSearchParams();
  if (scopes?.length) form.set('scope', scopes.join(' '));
  for (const audience of audiences ?? []) form.append('audience', audience);
  const need = (name: string, value: string | undefined) => {
    if (!value) throw refuse('configuration', 'authentication-invalid', `grant ${grant} needs ${name}`);
    return value;
  };
  switch (grant) {
    case 'client_credentials':
      break;
    case 'password':
      form.set('username', need('username', username));
      form.set('password', need('password', password));
      break;
    case 'refresh_token':
      // The DSL has no property of its own for it.
      form.set('refresh_token', refreshToken ?? need('subject.token (the refresh token)', subject?.token));
      break;
    case TOKEN_EXCHANGE:
      form.set('subject_token', need('subject', subject?.token));
      form.set('subject_token_type', typeOf(subject!.type));
      if (actor) form.set('actor_token', actor.token);
      if (actor) form.set('actor_token_type', typeOf(actor.type));
      break;
    default:
      throw refuse(
        'configuration',
        'grant-unsupported',
        'the grant authorization_code needs a person in front of a browser, which a flow has not',
        'Use client_credentials, or refresh_token with a token a person has consented to.',
      );
  }
  return form;
}

function typeOf(type: string): string {
  return type.includes(':') ? type : TOKEN_TYPE + type;
}

function asObject(form: URLSearchParams): Record<string, string | string[]> {
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => [name, form.getAll(name).length > 1 ? form.getAll(name) : form.get(name)!]),
  );
}

/** A token nobody but its audience can read has no issuer to check. */
function checkIssuer(answer: OAuth.TokenEndpointResponse, issuers: string[] | undefined): void {
  if (!issuers?.length) return;
  for (const token of [answer.access_token, answer.id_token]) {
    const issuer = issuerOf(token);
    if (issuer !== undefined && !issuers.includes(issuer)) throw invalidToken(`its issuer ${issuer} is not expected`);
  }
}

function issuerOf(token: string | undefined): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token!.split('.')[1]!, 'base64url').toString()) as { iss?: unknown };
    return typeof claims.iss === 'string' ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function credentialsOf({ client, password, subject, actor }: OAuth2Properties): unknown[] {
  return [client?.secret, client?.assertion, password, subject?.token, actor?.token];
}

function invalidToken(message: string) {
  return refuse('authentication', 'token-invalid', `the token cannot be used: ${message}`);
}

/** An error of the token request, told as such: the call itself was not made. */
function aboutTokens(error: SpillwayError, where: string): SpillwayError {
  if (error.class === 'permanent') return error;
  const details = { ...error.details, type: STANDARD_ERRORS.authentication.type };
  const options = { code: 'token-unavailable', details };
  const message = `no token from ${where}: ${error.message}`;
  if (error.retryAfterMs === undefined) return new TransientError(message, options);
  return new RateLimitedError(message, { ...options, retryAfterMs: error.retryAfterMs });
}

/** The request goes on for others; this call stops waiting. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
