import { errorClassOf } from '@spillway/contracts';
import { LRUCache } from 'lru-cache';

export interface AccessToken {
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** From when on a new one is asked for, milliseconds since the epoch. */
  renewAt: number;
}

const MOST_TOKENS = 2_000;
/** For tokens that do not say how long they live (RFC 6749 §5.1 only recommends it). */
const DEFAULT_LIFE_S = 300;
const MARGIN_MS = 60_000;

/** A token is renewed a minute before its end, or after nine tenths of a life shorter than ten minutes. */
export function accessToken(value: string, lifeSeconds = DEFAULT_LIFE_S, now = Date.now()): AccessToken {
  const life = lifeSeconds * 1_000;
  return { value, expiresAt: now + life, renewAt: now + life - Math.min(MARGIN_MS, life / 10) };
}

/** Tokens by tenant and policy: kept until shortly before their end, asked for once however many calls wait. */
export class TokenCache {
  private readonly tokens = new LRUCache<string, AccessToken>({ max: MOST_TOKENS });
  private readonly requests = new Map<string, Promise<AccessToken>>();

  /**
   * @param obtain asks the authorization server; it must end by itself, since calls that gave up do not stop it
   * @throws what `obtain` throws, unless a token that still lives can stand in for a server that is away
   */
  async get(key: string, obtain: () => Promise<AccessToken>, now = Date.now): Promise<AccessToken> {
    const token = this.tokens.get(key);
    if (token && now() < token.renewAt) return token;
    try {
      return await this.request(key, obtain);
    } catch (error) {
      if (token && now() < token.expiresAt && errorClassOf(error) !== 'permanent') return token;
      throw error;
    }
  }

  /** Forgets a token the other side refused; a newer one that came meanwhile stays. */
  invalidate(key: string, value: string): void {
    if (this.tokens.get(key)?.value === value) this.tokens.delete(key);
  }

  clear(): void {
    this.tokens.clear();
  }

  private request(key: string, obtain: () => Promise<AccessToken>): Promise<AccessToken> {
    const running = this.requests.get(key);
    if (running) return running;
    const request = obtain()
      .then((token) => {
        this.tokens.set(key, token);
        return token;
      })
      .finally(() => this.requests.delete(key));
    this.requests.set(key, request);
    return request;
  }
}
