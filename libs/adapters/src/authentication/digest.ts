import { createHash, randomBytes } from 'node:crypto';
import { type Authenticator } from './authenticator';

export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque?: string;
  algorithm: string;
  qop?: 'auth' | 'auth-int';
  userhash: boolean;
  stale: boolean;
}

export interface DigestRequest {
  method: string;
  /** Path and query, as on the request line. */
  uri: string;
  body?: Buffer;
}

/** Strongest first; `-sess` variants of each are known too. */
const HASHES: Record<string, string> = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' };
const PARAMETER = /([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

/** HTTP Digest (RFC 7616): the first request is sent without credentials, and its challenge answered. */
export class DigestAuthenticator implements Authenticator {
  private challenge?: DigestChallenge;
  private count = 0;

  constructor(private readonly credentials: { username: string; password: string }) {}

  async authorize(request: { method: string; url: URL; body?: Buffer }): Promise<Record<string, string>> {
    if (!this.challenge) return {};
    const uri = request.url.pathname + request.url.search;
    const cnonce = randomBytes(16).toString('base64url');
    const target = { method: request.method, uri, body: request.body };
    return { authorization: answerChallenge(this.challenge, this.credentials, target, cnonce, ++this.count) };
  }

  async challenged(headers: Record<string, string>): Promise<boolean> {
    const challenge = parseChallenges(headers['www-authenticate'] ?? '')[0];
    // A second challenge means wrong credentials, unless it says that only the nonce was old.
    if (!challenge || (this.challenge && !challenge.stale)) return false;
    this.challenge = challenge;
    this.count = 0;
    return true;
  }
}

/** The Digest challenges of a WWW-Authenticate header that we can answer, strongest first. */
export function parseChallenges(header: string): DigestChallenge[] {
  const order = Object.keys(HASHES);
  return header
    .split(/(?:^|,)\s*(?=[A-Za-z]+\s+[A-Za-z0-9_*-]+\s*=)/)
    .flatMap((text) => parseChallenge(text.trim()) ?? [])
    .sort((one, other) => order.indexOf(baseOf(one.algorithm)) - order.indexOf(baseOf(other.algorithm)));
}

function parseChallenge(text: string): DigestChallenge | undefined {
  if (!/^digest\s/i.test(text)) return undefined;
  const values = new Map<string, string>();
  for (const [, name, quoted, token] of text.slice(7).matchAll(PARAMETER)) {
    values.set(name!.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token!);
  }
  const [realm, nonce] = [values.get('realm'), values.get('nonce')];
  const algorithm = values.get('algorithm') ?? 'MD5';
  const offered = values
    .get('qop')
    ?.split(/[\s,]+/)
    .filter(Boolean);
  const qop = (['auth', 'auth-int'] as const).find((one) => offered?.includes(one));
  if (realm === undefined || nonce === undefined || !HASHES[baseOf(algorithm)]) return undefined;
  // RFC 7616 §3.4.3: without a qop we know there is nothing to answer with; RFC 2069 servers send none at all.
  if (offered && !qop) return undefined;
  const flag = (name: string) => values.get(name)?.toLowerCase() === 'true';
  return {
    realm,
    nonce,
    opaque: values.get('opaque'),
    algorithm,
    qop,
    userhash: flag('userhash'),
    stale: flag('stale'),
  };
}

/** RFC 7616 §3.4.1 */
export function answerChallenge(
  challenge: DigestChallenge,
  { username, password }: { username: string; password: string },
  request: DigestRequest,
  cnonce: string,
  count: number,
): string {
  const { realm, nonce, qop, algorithm, opaque, userhash } = challenge;
  const hash = (data: string | Buffer) => createHash(HASHES[baseOf(algorithm)]!).update(data).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  const secret = hash(`${username}:${realm}:${password}`);
  const a1 = /-sess$/i.test(algorithm) ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const bodyHash = qop === 'auth-int' ? `:${hash(request.body ?? '')}` : '';
  const a2 = hash(`${request.method}:${request.uri}${bodyHash}`);
  const response = hash(qop ? `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}` : `${a1}:${nonce}:${a2}`);
  const fields = [
    userhash ? `username="${hash(`${username}:${realm}`)}"` : userField(username),
    `realm="${quote(realm)}"`,
    `uri="${quote(request.uri)}"`,
    `algorithm=${algorithm}`,
    `nonce="${quote(nonce)}"`,
    ...(qop ? [`nc=${nc}`, `cnonce="${quote(cnonce)}"`, `qop=${qop}`] : []),
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${quote(opaque)}"`]),
    ...(userhash ? ['userhash=true'] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

/** RFC 7616 §3.4: a name beyond ASCII goes as RFC 5987 extended notation. */
function userField(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username="${quote(username)}"`;
  return `username*=UTF-8''${encodeURIComponent(username)}`;
}

function quote(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}

function baseOf(algorithm: string): string {
  return algorithm.toUpperCase().replace(/-SESS$/, '');
}
