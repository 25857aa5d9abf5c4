import { SpillwayError, TransientError } from '@spillway/contracts';
import { z } from 'zod';
import { authenticatorFor } from '../authentication/authenticator';
import { authenticationSchema } from '../authentication/policy';
import { argumentsOf, resourceSchema } from './arguments';
import { type AsyncApiChoice, type AsyncApiTarget, findTarget } from './asyncapi-document';
import { type Broker, type BrokerOptions, mqttBroker, redisBroker, webSocketBroker } from './asyncapi-brokers';
import { Consumption, type InboundMessage } from './asyncapi-consumption';
import { encodeBody, essence, plain } from './content';
import { DEFAULT_RESPONSE_BYTES, type ProtocolContext } from './context';
import { loadDocument, type LoadedDocument } from './document';
import { durationArgument } from './duration';
import { refuse, STANDARD_ERRORS } from './failure';
import { callHttp } from './http';
import { expandUriTemplate } from './uri-template';

const asyncApiArguments = z.object({
  document: resourceSchema,
  channel: z.string().min(1).optional(),
  operation: z.string().min(1).optional(),
  server: z.object({ name: z.string(), variables: z.record(z.string(), z.unknown()).nullish() }).optional(),
  protocol: z.string().optional(),
  message: z
    .object({ payload: z.unknown().optional(), headers: z.record(z.string(), z.unknown()).nullish() })
    .optional(),
  subscription: z
    .object({
      filter: z.string().optional(),
      consume: z.object({
        amount: z.int().min(1).max(10_000).optional(),
        for: durationArgument.optional(),
        while: z.string().optional(),
        until: z.string().optional(),
      }),
      /** What `filter`, `while` and `until` may name. */
      variables: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  authentication: authenticationSchema.optional(),
});
export type AsyncApiArguments = z.input<typeof asyncApiArguments>;
type Call = z.output<typeof asyncApiArguments>;

const BROKERS: Record<string, (options: BrokerOptions) => Broker | Promise<Broker>> = {
  mqtt: mqttBroker,
  mqtts: mqttBroker,
  'secure-mqtt': mqttBroker,
  redis: redisBroker,
  rediss: redisBroker,
  ws: webSocketBroker,
  wss: webSocketBroker,
};
const HTTP = new Set(['http', 'https']);
/** Parts of an address that a variable must not bring in: other levels and wildcards. */
const STRUCTURE = /[/#+*\0]/;

/**
 * The DSL's AsyncAPI call, for AsyncAPI 2 and 3 documents. A message is published over HTTP (the output is the answer's
 * content), MQTT 3.1.1, Redis or WebSocket (the output is null); a subscription over the last three ends after
 * `amount` messages, the time `for`, or as `while` and `until` say, and gives the messages that `filter` lets through. Parameters of the channel's address are taken from the
 * task's input. Delivery is at least once.
 *
 * @throws PermanentError `protocol-unsupported`, `subscription-unsupported`, `headers-unsupported`, and those of
 * `findTarget`; TransientError `call-failed`, `connection-lost`
 */
export async function callAsyncApi(args: unknown, context: ProtocolContext): Promise<unknown> {
  const call = argumentsOf('asyncapi', asyncApiArguments, args);
  if ((call.message === undefined) === (call.subscription === undefined)) {
    throw refuse('configuration', 'call-invalid', 'call: asyncapi needs either message or subscription');
  }
  const document = await loadDocument(call.document.endpoint, context);
  const target = supportedTarget(document, call, call.subscription !== undefined);
  if (HTTP.has(target.protocol)) return publishOverHttp(call, target, context);
  const make = BROKERS[target.protocol]!;
  checkSubscription(call);
  if (call.message?.headers && Object.keys(call.message.headers).length > 0 && !/^ws/.test(target.protocol)) {
    throw refuse('configuration', 'headers-unsupported', `messages over ${target.protocol} have no headers`);
  }
  const port = Number(target.url.port || DEFAULT_PORTS[target.protocol]);
  const address = await context.addressOf?.(target.url.hostname, port);
  context.signal.throwIfAborted();
  const broker = await make({
    url: target.url,
    address,
    binding: target.binding,
    context,
    ...(await credentialsOf(call, target, context)),
  });
  return untilAborted(broker, context.signal, () =>
    call.message
      ? publish(broker, call.message, target, context)
      : subscribe(broker, call.subscription!, target, context),
  );
}

/** @throws PermanentError as `findTarget`, `protocol-unsupported`, `subscription-unsupported` */
export function supportedTarget(document: LoadedDocument, choice: AsyncApiChoice, subscribes: boolean): AsyncApiTarget {
  const target = findTarget(document, choice, subscribes);
  if (HTTP.has(target.protocol) && subscribes) {
    const message = 'nothing can be subscribed to over http';
    throw refuse('configuration', 'subscription-unsupported', message, 'Use a source.');
  }
  if (HTTP.has(target.protocol) || BROKERS[target.protocol]) return target;
  throw refuse(
    'configuration',
    'protocol-unsupported',
    `messages over ${target.protocol} are not supported; those over http, mqtt, redis and ws are`,
    'Use call: http with a gateway in front of the broker.',
  );
}

const DEFAULT_PORTS: Record<string, number> = {
  mqtt: 1_883,
  mqtts: 8_883,
  'secure-mqtt': 8_883,
  redis: 6_379,
  rediss: 6_379,
  ws: 80,
  wss: 443,
};

async function publishOverHttp(call: Call, target: AsyncApiTarget, context: ProtocolContext): Promise<unknown> {
  const message = call.message!;
  const path = expandUriTemplate(target.address, context.input);
  const uri = `${target.url.href.replace(/\/$/, '')}/${path.replace(/^\//, '')}`;
  const method = typeof target.binding.method === 'string' ? target.binding.method : 'POST';
  const headers = { 'content-type': target.contentType, ...message.headers };
  // Braces that are left are no variables any more.
  const endpoint = { uri: uri.replaceAll('{', '%7B').replaceAll('}', '%7D'), authentication: call.authentication };
  return callHttp({ method, endpoint, headers, body: textFor(message.payload, target) }, context);
}

async function publish(broker: Broker, message: Call['message'], target: AsyncApiTarget, context: ProtocolContext) {
  const encoded = await encodeBody(textFor(message!.payload, target), target.contentType);
  await broker.publish(addressOf(target, context), encoded?.bytes ?? Buffer.alloc(0));
  return null;
}

/** Under a JSON type a text is a JSON string. */
function textFor(payload: unknown, { contentType }: AsyncApiTarget): unknown {
  return /json$/.test(essence(contentType)) ? JSON.stringify(payload ?? null) : payload;
}

async function subscribe(
  broker: Broker,
  subscription: NonNullable<Call['subscription']>,
  target: AsyncApiTarget,
  context: ProtocolContext,
): Promise<InboundMessage[]> {
  const { consume } = subscription;
  const mostBytes = context.limits?.responseBytes ?? DEFAULT_RESPONSE_BYTES;
  const consumption = new Consumption(subscription);
  if (consumption.isOver()) return [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const take = (payload: Buffer) => {
        try {
          if (consumption.done || !consumption.take({ payload: contentOf(payload) })) return;
          bytes += payload.length;
          if (bytes > mostBytes) reject(tooMuch(target, mostBytes));
          else if (consumption.isOver()) resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const lost = (cause: Error) => reject(connectionLost(target, cause));
      if (consume.for !== undefined) timer = setTimeout(resolve, consume.for);
      broker.subscribe(addressOf(target, context), take, lost).catch(reject);
    });
    return consumption.messages;
  } finally {
    consumption.done = true;
    clearTimeout(timer);
  }
}

/** JSON where it is some, else text, else base64. */
function contentOf(payload: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return payload.toString('base64');
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Runs work on a broker; whatever happens, the connection ends. */
async function untilAborted<T>(broker: Broker, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work(), aborted]);
  } catch (cause) {
    if (cause instanceof SpillwayError || signal.aborted) throw cause;
    const details = { ...STANDARD_ERRORS.communication, detail: (cause as Error).message };
    throw new TransientError(`the message was not sent: ${(cause as Error).message}`, {
      code: 'call-failed',
      details,
      cause,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await broker.close().catch(() => undefined);
  }
}

function addressOf({ address, protocol }: AsyncApiTarget, { input }: ProtocolContext): string {
  if (/^ws/.test(protocol)) return expandUriTemplate(address, input);
  return address.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = (input as Record<string, unknown> | null)?.[name];
    if ((typeof value !== 'string' && typeof value !== 'number') || STRUCTURE.test(String(value)) || value === '') {
      throw refuse('expression', 'address-invalid', `the input has no usable ${name} for the address ${address}`);
    }
    return String(value);
  });
}

function checkSubscription({ subscription }: Call): void {
  if (!subscription) return;
  const { amount, for: time, while: holds, until } = subscription.consume;
  if ([amount, time, holds, until].some((one) => one !== undefined)) return;
  throw refuse('configuration', 'call-invalid', 'subscription.consume needs amount, for, while or until');
}

/** Brokers know user names and passwords only; sockets take any policy in their handshake. */
async function credentialsOf(call: Call, { url, protocol }: AsyncApiTarget, context: ProtocolContext) {
  const authorization = await authenticatorFor(call.authentication, context)?.authorize({ method: 'GET', url });
  if (/^ws/.test(protocol)) {
    const given = Object.entries(call.message?.headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      plain(value),
    ]);
    return { headers: { ...(Object.fromEntries(given) as Record<string, string>), ...authorization } };
  }
  if (!authorization) return { headers: {} };
  const [, encoded] = /^Basic (.+)$/.exec(authorization.authorization ?? '') ?? [];
  if (!encoded) {
    throw refuse('configuration', 'authentication-invalid', `${protocol} takes authentication: basic only`);
  }
  const [username = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { headers: {}, credentials: { username, password: password.join(':') } };
}

function tooMuch({ url }: AsyncApiTarget, mostBytes: number) {
  return refuse(
    'communication',
    'response-too-large',
    `${url.host} sent more than ${mostBytes} bytes`,
    'Consume less.',
  );
}

function connectionLost({ url }: AsyncApiTarget, cause: Error) {
  const message = `${url.host}: ${cause.message} before the subscription was over`;
  const details = { ...STANDARD_ERRORS.communication, detail: message };
  return new TransientError(message, { code: 'connection-lost', details, cause });
}
