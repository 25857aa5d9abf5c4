import { PermanentError } from '@spillway/contracts';

export interface Address {
  host: string;
  port: number;
}

interface Login {
  username?: string;
  password?: string;
  tls: boolean;
}

/** Where Redis is, as `REDIS_URL` says it. */
export type RedisTarget =
  | { kind: 'single'; url: string }
  | ({ kind: 'cluster'; nodes: Address[] } & Login)
  | ({
      kind: 'sentinel';
      sentinels: Address[];
      /** What the sentinels call the primary. */
      name: string;
      db: number;
      sentinelUsername?: string;
      sentinelPassword?: string;
    } & Login);

const SHAPE = /^(rediss?)\+(cluster|sentinel):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const PORTS = { cluster: 6379, sentinel: 26379 };

/**
 * - `redis://user:password@host:port/db`
 * - `redis+cluster://user:password@host:port,host:port`: some of the nodes
 * - `redis+sentinel://user:password@host:port,host:port/name/db?sentinel_username=…&sentinel_password=…`: the sentinels
 *
 * With `rediss` in front, over TLS. A character of a password that means something in a URL is percent-encoded.
 *
 * @throws PermanentError `config-invalid`
 */
export function parseTarget(url: string): RedisTarget {
  if (/^rediss?:\/\/[^,]+$/.test(url)) return { kind: 'single', url };
  const [, scheme, kind, login = '', hosts, path = '', query = ''] = SHAPE.exec(url) ?? [];
  if (!hosts) throw invalid('it is no URL of Redis');
  const [username, password] = login.split(/:(.*)/s).map(decode);
  const common = { username: username || undefined, password: password || undefined, tls: scheme === 'rediss' };
  const addresses = hosts.split(',').map((host) => parseAddress(host, PORTS[kind as keyof typeof PORTS]));
  const [name, db = '0'] = path.split('/');
  if (kind === 'cluster') {
    if (name) throw invalid('a cluster has no databases');
    return { kind, nodes: addresses, ...common };
  }
  if (!name || !/^\d+$/.test(db)) throw invalid('after the sentinels comes the name of the primary, as /mymaster');
  const more = new URLSearchParams(query);
  return {
    kind: 'sentinel',
    sentinels: addresses,
    name: decode(name),
    db: Number(db),
    sentinelUsername: more.get('sentinel_username') ?? undefined,
    sentinelPassword: more.get('sentinel_password') ?? undefined,
    ...common,
  };
}

/**
 * `10.0.0.1:6379=example.org:30001,…`: where what the servers call the left is to be reached from here.
 *
 * @throws PermanentError `config-invalid`
 */
export function parseNatMap(text: string | undefined): Record<string, Address> | undefined {
  if (!text) return undefined;
  const pairs = text.split(',').map((pair) => {
    const [from, to] = pair.split('=');
    if (!from || !to) throw invalid('REDIS_NAT_MAP is inside:port=outside:port, …');
    const inside = parseAddress(from, PORTS.cluster);
    return [`${inside.host}:${inside.port}`, parseAddress(to, PORTS.cluster)] as const;
  });
  return Object.fromEntries(pairs);
}

function parseAddress(text: string, port: number): Address {
  const [, ipv6, host, given] = /^\s*(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?\s*$/.exec(text) ?? [];
  const one = { host: ipv6 ?? host, port: given ? Number(given) : port };
  if (!one.host || one.port > 65_535) throw invalid(`"${text}" is no host:port`);
  return one as Address;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('it holds a % that is no percent-encoding');
  }
}

function invalid(why: string): PermanentError {
  return new PermanentError(`configuration: REDIS_URL: ${why}`, {
    code: 'config-invalid',
    remedy: 'See docs/operate/redis.md for its forms.',
  });
}
