import Redis, { Cluster, type ClusterOptions, type RedisOptions } from 'ioredis';
import { silent } from '../silent';
import { type Address, type RedisTarget } from './target';

/** One server (also the one that the sentinels name), or a cluster. */
export type RedisConnection = Redis | Cluster;

/** Before the first attempt to connect again, and at most; milliseconds. */
const RETRY = { step: 50, most: 1_000 };
const retryStrategy = (times: number) => Math.min(times * RETRY.step, RETRY.most);

const CONNECT_MS = 5_000;
/** How often a server is asked whether it is there, and how long it may take to say so. */
const WATCH = { everyMs: 5_000, silentMs: 10_000 };
/** How soon a cluster's new primary is known to a client that has nothing to say. */
const SLOTS_MS = 5_000;

export interface ConnectionSettings {
  natMap?: Record<string, Address>;
  /** Commands fail while there is no connection, so that something else can be done. */
  failsFast: boolean;
}

/** Comes back within a second once the server does, or once there is another primary, for ever. */
export function connect(target: RedisTarget, { natMap, failsFast }: ConnectionSettings): RedisConnection {
  const options: RedisOptions = {
    retryStrategy,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: failsFast ? 1 : null,
    enableOfflineQueue: !failsFast,
    // A primary that became a replica: its client looks for the new one.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  };
  if (target.kind === 'single') return gathered(new Redis(target.url, options));
  const { username, password } = target;
  const login = { username, password, ...(target.tls && { tls: {} }) };
  if (target.kind === 'cluster') {
    const cluster: ClusterOptions = {
      redisOptions: { ...login, connectTimeout: CONNECT_MS, maxRetriesPerRequest: null },
      clusterRetryStrategy: retryStrategy,
      enableOfflineQueue: !failsFast,
      slotsRefreshInterval: SLOTS_MS,
      natMap,
      // The nodes' certificates are for their names.
      ...(target.tls && { dnsLookup: (address, callback) => callback(null, address) }),
    };
    const client = silent(new Cluster(target.nodes, cluster));
    client.on('+node', (node: Redis) => gathered(node));
    return client;
  }
  const { sentinels, name, db, sentinelUsername, sentinelPassword } = target;
  return revived(
    new Redis({
      ...options,
      ...login,
      db,
      sentinels,
      name,
      sentinelUsername,
      sentinelPassword,
      ...(target.tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }),
      sentinelRetryStrategy: retryStrategy,
      natMap,
      // The sentinels tell of a new primary, also when the old one still seems to be there.
      failoverDetector: true,
    }),
  );
}

/**
 * A failover that the sentinels tell of at the moment when ioredis asks them for the primary ends the connection for good, as
 * if it were not wanted any more: it is made anew.
 */
function revived(redis: Redis): Redis {
  let isWanted = true;
  const disconnect = redis.disconnect.bind(redis);
  redis.disconnect = (reconnect = false) => {
    isWanted = reconnect;
    disconnect(reconnect);
  };
  redis.on('end', () => {
    if (!isWanted) return;
    setTimeout(() => void (isWanted && redis.connect().catch(() => undefined)), RETRY.step);
  });
  return gathered(redis);
}

function gathered(redis: Redis): Redis {
  redis.on('connect', () => gatherWrites(redis.stream));
  redis.on('ready', () => watch(redis));
  return silent(redis);
}

/**
 * A server that answers nothing any more is left: when a machine is cut off its sockets stay open for a quarter of an hour.
 * (ioredis's own `socketTimeout` was tried: after a reconnect its timer closes the new socket.)
 */
function watch(redis: Redis): void {
  const { stream } = redis;
  let patience: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (patience) return;
    patience = setTimeout(() => stream.destroy(new Error('the server is silent')), WATCH.silentMs).unref();
    const done = () => {
      clearTimeout(patience);
      patience = undefined;
    };
    redis.ping().then(done, done);
  }, WATCH.everyMs).unref();
  stream.once('close', () => {
    clearInterval(timer);
    clearTimeout(patience);
  });
}

/**
 * What is said in one turn of the event loop goes out in one system call; without this, each command is one. (The
 * client's own automatic pipelining was tried: it crashed the process now and then when a connection was young.)
 */
function gatherWrites(stream: Redis['stream']): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let gathering = false;
  stream.write = (...args: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      process.nextTick(() => {
        gathering = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}
