import { isIP } from 'node:net';
import { TransientError } from '@spillway/contracts';
import { WebSocket } from 'undici';
import { type ProtocolContext, USER_AGENT } from './context';
import { defaultDispatcher } from './exchange';
import { ownErrorIn, refuse, STANDARD_ERRORS } from './failure';

/** A broker or socket that one call talks to. */
export interface Broker {
  publish(address: string, payload: Buffer): Promise<void>;
  /** Resolves once nothing sent from now on is missed; `lost` is told when the connection ends by itself. */
  subscribe(address: string, take: (payload: Buffer) => void, lost: (error: Error) => void): Promise<void>;
  close(): Promise<void>;
}

export interface BrokerOptions {
  url: URL;
  /** To connect to, in place of the URL's name. */
  address?: string;
  credentials?: { username: string; password: string };
  /** For sockets: headers of the handshake. */
  headers: Record<string, string>;
  binding: Record<string, unknown>;
  context: ProtocolContext;
}

/** How long a connection may take, milliseconds. */
const CONNECT_MS = 10_000;
/** How long a broker is given to take what was sent before its connection is cut, milliseconds. */
const GOODBYE_MS = 2_000;

/** MQTT 3.1.1. `qos` (default 1) and `retain` are those of the operation's binding. */
export async function mqttBroker({ url, address, credentials, binding }: BrokerOptions): Promise<Broker> {
  const { connectAsync } = await import('mqtt');
  const secure = /^(?:mqtts|secure-mqtt):$/.test(url.protocol);
  const qos = binding.qos === 0 || binding.qos === 2 ? binding.qos : 1;
  const client = await connecting(url, () =>
    connectAsync({
      ...credentials,
      protocol: secure ? 'mqtts' : 'mqtt',
      host: address ?? bare(url.hostname),
      port: Number(url.port || (secure ? 8_883 : 1_883)),
      ...(secure && serverName(url)),
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_MS,
    }),
  );
  client.on('error', () => undefined);
  return {
    publish: async (address, payload) => {
      await client.publishAsync(address, payload, { qos, retain: binding.retain === true });
    },
    subscribe: async (address, take, lost) => {
      client.on('message', (_, payload) => take(payload));
      client.on('close', () => lost(new Error('the connection ended')));
      const [granted] = await client.subscribeAsync(address, { qos });
      if (!granted || granted.qos > 2)
        throw refuse('communication', 'subscribe-refused', `${url.host} refuses the topic`);
    },
    close: async () => {
      // A forced end drops what is still in the socket: with qos 0 that is the message itself.
      const forced = setTimeout(() => client.end(true), GOODBYE_MS);
      await client.endAsync(!client.connected);
      clearTimeout(forced);
    },
  };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/s, '$1');
}

/** What the certificate must be for; addresses are not names. */
function serverName({ hostname }: URL): { servername?: string } {
  return isIP(bare(hostname)) ? {} : { servername: hostname };
}

/** Redis publish and subscribe: who is not there misses the message. */
export async function redisBroker({ url, address, credentials }: BrokerOptions): Promise<Broker> {
  const { Redis } = await import('ioredis');
  const redis = new Redis({
    ...credentials,
    host: address ?? bare(url.hostname),
    port: Number(url.port || 6_379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.protocol === 'rediss:' && { tls: serverName(url) }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  await connecting(url, () => redis.connect());
  return {
    publish: async (address, payload) => void (await redis.publish(address, payload)),
    subscribe: async (address, take, lost) => {
      redis.on('messageBuffer', (_, payload: Buffer) => take(payload));
      redis.on('end', () => lost(new Error('the connection ended')));
      await redis.subscribe(address);
    },
    close: async () => redis.disconnect(),
  };
}

/** WebSocket through the context's dispatcher; the address is the path of the handshake. */
export function webSocketBroker({ url, headers, context }: BrokerOptions): Broker {
  let socket: WebSocket | undefined;
  const open = async (address: string, prepare: (opened: WebSocket) => void) => {
    const target = new URL(url);
    target.pathname = `${target.pathname.replace(/\/$/, '')}/${address.replace(/^\//, '')}`;
    const dispatcher = context.dispatcher ?? defaultDispatcher();
    const opened = new WebSocket(target, { headers: { 'user-agent': USER_AGENT, ...headers }, dispatcher });
    socket = opened;
    opened.binaryType = 'arraybuffer';
    prepare(opened);
    await connecting(url, () => handshake(opened));
    return opened;
  };
  return {
    publish: async (address, payload) => {
      const opened = await open(address, () => undefined);
      opened.send(payload.toString('utf8'));
      // The closing handshake comes after the message: when it is answered, the message has arrived.
      await closed(opened);
    },
    subscribe: async (address, take, lost) => {
      await open(address, (opened) => {
        opened.addEventListener('message', ({ data }) => take(Buffer.from(data as ArrayBuffer)));
        opened.addEventListener('close', () => lost(new Error('the connection ended')));
      });
    },
    close: async () => {
      if (socket && socket.readyState <= WebSocket.OPEN) socket.close();
    },
  };
}

function handshake(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no handshake within ${CONNECT_MS} ms`)), CONNECT_MS);
    socket.addEventListener('open', () => {
      clearTimeout(late);
      resolve();
    });
    socket.addEventListener('error', ({ error }) => {
      clearTimeout(late);
      reject(error instanceof Error ? error : new Error('the handshake failed'));
    });
  });
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener('close', ({ wasClean, code }) =>
      wasClean ? resolve() : reject(new Error(`the connection broke (${code}) before the message was known to arrive`)),
    );
    socket.close();
  });
}

async function connecting<T>(url: URL, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (cause) {
    const own = ownErrorIn(cause);
    if (own) throw own;
    const message = `${url.protocol}//${url.host} cannot be reached: ${(cause as Error).message}`;
    const details = { ...STANDARD_ERRORS.communication, title: 'No connection', detail: message };
    throw new TransientError(message, { code: 'call-failed', details, cause });
  }
}
