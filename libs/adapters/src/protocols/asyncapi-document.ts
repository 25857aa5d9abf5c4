import { isRecord } from './content';
import { type LoadedDocument, resolveReference } from './document';
import { refuse } from './failure';
import { nearestNames } from './nearest';

type Json = Record<string, unknown>;

/** What the caller asks for; "AsyncAPI Call" of the DSL reference. */
export interface AsyncApiChoice {
  channel?: string;
  operation?: string;
  server?: { name: string; variables?: Record<string, unknown> | null };
  protocol?: string;
}

/** Where messages go or come from, the same for AsyncAPI 2 and 3. */
export interface AsyncApiTarget {
  /** Of the server; lower case, as the document names it. */
  protocol: string;
  /** With the protocol as scheme, and the path if there is one. */
  url: URL;
  /** Topic, key or path; may hold `{name}` for parameters. */
  address: string;
  contentType: string;
  /** The operation's `bindings` of the protocol. */
  binding: Json;
}

/**
 * @throws PermanentError `document-invalid`, `operation-unknown`, `channel-unknown`, `server-unknown` with the nearest
 * names
 */
export function findTarget(document: LoadedDocument, choice: AsyncApiChoice, subscribes: boolean): AsyncApiTarget {
  const { root } = document;
  if (typeof root.asyncapi !== 'string' || !/^[23]\./.test(root.asyncapi)) {
    throw refuse('configuration', 'document-invalid', 'the document is neither AsyncAPI 2 nor 3');
  }
  const version3 = root.asyncapi.startsWith('3.');
  const place = version3 ? placeInVersion3(root, choice) : placeInVersion2(root, choice, subscribes);
  const server = serverOf(root, choice, place.servers);
  const protocol = String(server.protocol).toLowerCase();
  const bindings = recordOf(resolveReference(root, place.operation.bindings));
  return {
    protocol,
    url: version3 ? urlInVersion3(server, choice, protocol) : urlInVersion2(server, choice, protocol),
    address: place.address,
    contentType: contentTypeOf(root, place.messages),
    binding: recordOf(bindings[protocol]),
  };
}

interface Place {
  address: string;
  operation: Json;
  /** Names of the servers it is limited to; none for all. */
  servers: string[];
  messages: unknown[];
}

function placeInVersion3(root: Json, { operation: name, channel: channelName }: AsyncApiChoice): Place {
  const operations = recordOf(root.operations);
  const channels = recordOf(root.channels);
  const operation = name === undefined ? {} : recordOf(resolveReference(root, operations[name]));
  if (name !== undefined && !isRecord(operations[name])) throw unknown('operation', name, Object.keys(operations));
  if (name === undefined && !isRecord(channels[channelName ?? ''])) {
    throw unknown('channel', channelName ?? '', Object.keys(channels));
  }
  const given = name === undefined ? channels[channelName!] : operation.channel;
  const key = Object.keys(channels).find((one) => isRecord(given) && given.$ref === `#/channels/${escaped(one)}`);
  const channel = recordOf(resolveReference(root, given));
  const servers = listOf(channel.servers).map((one) => pointerEnd(recordOf(one).$ref));
  const messages = [...listOf(operation.messages), ...Object.values(recordOf(channel.messages))];
  const address = typeof channel.address === 'string' ? channel.address : (key ?? channelName ?? '');
  return { address, operation, servers, messages: messages.map((one) => resolveReference(root, one)) };
}

/** The DSL: `message` runs the channel's `publish` operation, `subscription` its `subscribe` operation. */
function placeInVersion2(root: Json, choice: AsyncApiChoice, subscribes: boolean): Place {
  const channels = recordOf(root.channels);
  const kind = subscribes ? 'subscribe' : 'publish';
  const named = Object.entries(channels).map(([name, one]) => ({ name, item: recordOf(resolveReference(root, one)) }));
  const found =
    choice.channel === undefined
      ? named.find(({ item }) => recordOf(item[kind]).operationId === choice.operation)
      : named.find(({ name }) => name === choice.channel);
  if (!found && choice.channel !== undefined) throw unknown('channel', choice.channel, Object.keys(channels));
  const ids = named.flatMap(({ item }) => stringsOf([recordOf(item[kind]).operationId]));
  if (!found) throw unknown('operation', choice.operation ?? '', ids);
  if (!isRecord(found.item[kind])) {
    throw refuse('configuration', 'operation-unknown', `the channel ${found.name} has no ${kind} operation`);
  }
  const operation = found.item[kind];
  const message = recordOf(resolveReference(root, operation.message));
  const messages = (listOf(message.oneOf).length > 0 ? listOf(message.oneOf) : [message]).map((one) =>
    resolveReference(root, one),
  );
  return { address: found.name, operation, servers: stringsOf(found.item.servers), messages };
}

function serverOf(root: Json, { server, protocol }: AsyncApiChoice, limited: string[]): Json {
  const servers = Object.entries(recordOf(root.servers)).map(([name, one]) => ({
    name,
    model: recordOf(resolveReference(root, one)),
  }));
  if (server) {
    const named = servers.find(({ name }) => name === server.name);
    if (named) return named.model;
    throw unknown(
      'server',
      server.name,
      servers.map(({ name }) => name),
    );
  }
  const fit = servers
    .filter(({ name }) => limited.length === 0 || limited.includes(name))
    .find(({ model }) => protocol === undefined || sameProtocol(String(model.protocol), protocol));
  if (fit) return fit.model;
  const wanted = protocol === undefined ? '' : ` for the protocol ${protocol}`;
  throw refuse('configuration', 'server-unknown', `the channel has no server${wanted}`);
}

/** The DSL's list names no secure variants: they count as the plain ones. */
function sameProtocol(one: string, other: string): boolean {
  const plainName = (name: string) =>
    name
      .toLowerCase()
      .replace(/^secure-/, '')
      .replace(/s$/, '');
  return plainName(one) === plainName(other);
}

function urlInVersion3(server: Json, choice: AsyncApiChoice, protocol: string): URL {
  const text = `${textOf(server.host)}${textOf(server.pathname)}`;
  return parsed(`${protocol}://${withVariables(text, server, choice)}`);
}

function urlInVersion2(server: Json, choice: AsyncApiChoice, protocol: string): URL {
  const text = withVariables(textOf(server.url), server, choice);
  return parsed(text.includes('://') ? text : `${protocol}://${text}`);
}

function withVariables(text: string, server: Json, { server: chosen }: AsyncApiChoice): string {
  const variables = recordOf(server.variables);
  return text.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const model = recordOf(variables[name]);
    const value = recordOf(chosen?.variables)[name] ?? model.default;
    const allowed = listOf(model.enum);
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw refuse('configuration', 'call-invalid', `the server variable ${name} has no value`);
    }
    if ((allowed.length > 0 && !allowed.includes(value)) || !/^[\w.~:/-]*$/.test(String(value))) {
      throw refuse('configuration', 'call-invalid', `the server variable ${name} cannot be ${String(value)}`);
    }
    return String(value);
  });
}

function parsed(text: string): URL {
  const url = URL.parse(text);
  if (url?.hostname) return url;
  throw refuse('configuration', 'document-invalid', 'the server of the document has no valid address');
}

function contentTypeOf(root: Json, messages: unknown[]): string {
  const given = messages.map((one) => recordOf(one).contentType).find((one) => typeof one === 'string');
  return typeof given === 'string' ? given : textOf(root.defaultContentType) || 'application/json';
}

function unknown(what: 'operation' | 'channel' | 'server', name: string, names: string[]) {
  const near = nearestNames(name, names);
  const hint = near.length > 0 ? `; the nearest are ${near.join(', ')}` : '';
  return refuse('configuration', `${what}-unknown`, `the document has no ${what} ${name}${hint}`);
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function pointerEnd(reference: unknown): string {
  const last = textOf(reference).split('/').at(-1) ?? '';
  return decodeURIComponent(last).replaceAll('~1', '/').replaceAll('~0', '~');
}

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringsOf(value: unknown): string[] {
  return listOf(value).filter((one) => typeof one === 'string');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
