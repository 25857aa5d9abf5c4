import { eventually, HttpServer, MqttBroker, sendJson, SocketServer, TestRedis } from '@spillway/testing';
import { Redis } from 'ioredis';
import { callProtocol, closeConnections, forgetDocuments, type ProtocolContext } from '../index';
import { aContext, errorOf } from './testing/context';

describe('call: asyncapi', () => {
  let files: HttpServer;
  let mqtt: MqttBroker;
  let redis: TestRedis;
  let sockets: SocketServer;
  let listener: Redis;

  const version3 = () => `
asyncapi: 3.0.0
servers:
  broker: { host: '127.0.0.1:${mqtt.port}', protocol: mqtt }
  cache: { host: '${redis.url.replace('redis://', '')}', protocol: redis }
  live:
    host: '{host}:${sockets.port}'
    pathname: /chat
    protocol: ws
    variables: { host: { enum: [127.0.0.1, localhost], default: 127.0.0.1 } }
  web: { host: '127.0.0.1:${files.port}', pathname: /hooks, protocol: http }
  stream: { host: 'kafka.test:9092', protocol: kafka }
channels:
  pets:
    address: shop/{shopId}/pets
    servers: [{ $ref: '#/servers/broker' }, { $ref: '#/servers/cache' }, { $ref: '#/servers/web' }]
    messages: { pet: { contentType: application/json } }
  room: { address: 'rooms/{shopId}', servers: [{ $ref: '#/servers/live' }] }
  words: { address: words, servers: [{ $ref: '#/servers/broker' }], messages: { word: { contentType: text/plain } } }
  log: { address: log, servers: [{ $ref: '#/servers/stream' }] }
operations:
  addPet: { action: send, channel: { $ref: '#/channels/pets' }, bindings: { mqtt: { qos: 0, retain: true } } }
  petAdded: { action: receive, channel: { $ref: '#/channels/pets' } }
  chat: { action: send, channel: { $ref: '#/channels/room' } }
  say: { action: send, channel: { $ref: '#/channels/words' } }
  write: { action: send, channel: { $ref: '#/channels/log' } }
`;
  const version2 = () => `
asyncapi: 2.6.0
servers:
  broker: { url: 'mqtt://127.0.0.1:${mqtt.port}', protocol: mqtt }
channels:
  pets/added:
    publish: { operationId: addPet, message: { $ref: '#/components/messages/pet' } }
    subscribe: { operationId: petAdded }
  pets/removed:
    publish: { operationId: removePet }
components:
  messages: { pet: { contentType: application/json } }
`;

  beforeAll(async () => {
    [mqtt, redis] = await Promise.all([MqttBroker.start({ username: 'ann', password: 'sesame:1' }), TestRedis.start()]);
    sockets = await SocketServer.start((socket, { url }) => {
      if (url?.endsWith('/quiet')) return;
      for (const text of ['{"n":1}', 'two', '{"n":3}']) socket.send(text);
    });
    files = await HttpServer.start({
      '/v3.yaml': (_, response) => response.end(version3()),
      '/v2.yaml': (_, response) => response.end(version2()),
      '/v1.yaml': (_, response) => response.end('asyncapi: 1.2.0'),
      '/hooks/shop/7/pets': (_, response) => sendJson(response, { taken: true }, 202),
    });
    listener = new Redis(redis.url);
  });

  afterAll(async () => {
    listener.disconnect();
    await closeConnections();
    await Promise.all([mqtt.close(), redis.close(), sockets.close(), files.close()]);
  });

  beforeEach(() => {
    forgetDocuments();
    mqtt.published.length = mqtt.topics.length = sockets.received.length = 0;
  });

  const login = { authentication: { basic: { username: 'ann', password: 'sesame:1' } } };
  const call = (args: object, context: Partial<ProtocolContext> = {}, file = 'v3.yaml') =>
    callProtocol(
      'asyncapi',
      { document: { endpoint: `${files.url}/${file}` }, ...args },
      aContext({ input: { shopId: 7 }, ...context }),
    );
  const pet = { message: { payload: { name: 'milou' } } };
  const consume = (more: object) => ({ subscription: { consume: more } });

  describe('publishes', () => {
    it('to MQTT, as the binding says', async () => {
      await expect(call({ operation: 'addPet', ...pet, ...login })).resolves.toBeNull();
      await eventually(() => mqtt.published.length > 0);
      expect(mqtt.published).toEqual([{ topic: 'shop/7/pets', payload: '{"name":"milou"}', qos: 0, retain: true }]);
    });

    it('text as text', async () => {
      await call({ operation: 'say', message: { payload: 'hello' }, ...login });
      expect(mqtt.published).toEqual([{ topic: 'words', payload: 'hello', qos: 1, retain: false }]);
    });

    it('to Redis', async () => {
      await listener.subscribe('shop/7/pets');
      const heard = new Promise((resolve) => listener.once('message', (_, text) => resolve(text)));
      await expect(call({ operation: 'addPet', protocol: 'redis', ...pet })).resolves.toBeNull();
      await expect(heard).resolves.toBe('{"name":"milou"}');
    });

    it('to a WebSocket, with headers in the handshake', async () => {
      const message = { payload: { text: 'hi' }, headers: { 'X-Shop': 'north' } };
      await expect(call({ operation: 'chat', message, ...login })).resolves.toBeNull();
      expect(sockets.received).toMatchObject([{ path: '/chat/rooms/7', text: '{"text":"hi"}' }]);
      expect(sockets.received[0]!.headers).toMatchObject({
        'x-shop': 'north',
        authorization: `Basic ${Buffer.from('ann:sesame:1').toString('base64')}`,
      });
    });

    it('over HTTP', async () => {
      const message = { payload: { name: 'milou' }, headers: { 'X-Shop': 'north' } };
      await expect(call({ operation: 'addPet', server: { name: 'web' }, message })).resolves.toEqual({ taken: true });
      expect(files.last).toMatchObject({ method: 'POST', path: '/hooks/shop/7/pets' });
      expect(files.last.body.toString()).toBe('{"name":"milou"}');
      expect(files.last.headers).toMatchObject({ 'x-shop': 'north', 'content-type': 'application/json' });
    });

    it('by channel or operation of AsyncAPI 2', async () => {
      await call({ channel: 'pets/added', ...pet, ...login }, {}, 'v2.yaml');
      await call({ operation: 'removePet', ...pet, ...login }, {}, 'v2.yaml');
      expect(mqtt.published.map(({ topic }) => topic)).toEqual(['pets/added', 'pets/removed']);
    });
  });

  describe('subscribes', () => {
    it('to MQTT until it has the amount', async () => {
      const answer = call({ channel: 'pets/added', ...consume({ amount: 2 }), ...login }, {}, 'v2.yaml');
      await eventually(() => mqtt.topics.includes('pets/added'));
      for (const text of ['{"n":1}', 'two', 'three']) await mqtt.publish('pets/added', text);
      await expect(answer).resolves.toEqual([{ payload: { n: 1 } }, { payload: 'two' }]);
    });

    it('to Redis for a time', async () => {
      const answer = call({ operation: 'petAdded', protocol: 'redis', ...consume({ for: { milliseconds: 600 } }) });
      const other = new Redis(redis.url);
      await eventually(async () => (await other.publish('shop/7/pets', Buffer.from([0xff, 0]))) > 1);
      await expect(answer).resolves.toEqual([{ payload: '/wA=' }]);
      other.disconnect();
    });

    const chat = (subscription: object) => call({ operation: 'chat', subscription });

    it('and takes what the filter lets through, until the conditions say so', async () => {
      const [first, two, third] = [{ payload: { n: 1 } }, { payload: 'two' }, { payload: { n: 3 } }];
      // Of "two" it fails: that is no match.
      const filter = '${ .payload.n >= $context.least }';
      const variables = { context: { least: 1 } };
      expect(await chat({ filter, variables, consume: { amount: 2 } })).toEqual([first, third]);
      expect(await chat({ filter: '.payload == "two"', consume: { amount: 1 } })).toEqual([two]);
      expect(await chat({ consume: { until: '${ length == 2 }' } })).toEqual([first, two]);
      expect(await chat({ consume: { while: 'length < 2' } })).toEqual([first, two]);
      expect(await chat({ consume: { while: 'false' } })).toEqual([]);
      // As the specification's examples count them.
      const counted = { until: '($context.consumedMessages | length) == 2', while: '($context.messages | length) < 3' };
      expect(await chat({ variables: { context: {} }, consume: counted })).toEqual([first, two]);
      expect(await chat({ variables: { context: { messages: [1, 2, 3] } }, consume: counted })).toEqual([]);
      expect(await chat({ consume: { for: { milliseconds: 300 }, until: 'length == 9' } })).toEqual([
        first,
        two,
        third,
      ]);
    });

    it('to a WebSocket', async () => {
      await expect(call({ operation: 'chat', ...consume({ amount: 3 }) })).resolves.toEqual([
        { payload: { n: 1 } },
        { payload: 'two' },
        { payload: { n: 3 } },
      ]);
    });

    it('and ends when it is cancelled, when the connection breaks, or when it is too much', async () => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('cancelled by hand')), 200);
      const quiet = { input: { shopId: 'quiet' } };
      const cancelled = call({ operation: 'chat', ...consume({ amount: 1 }) }, { signal: abort.signal, ...quiet });
      expect((await errorOf(cancelled)).message).toBe('cancelled by hand');

      const lost = errorOf(call({ channel: 'pets/added', ...consume({ amount: 1 }), ...login }, {}, 'v2.yaml'));
      await eventually(() => mqtt.topics.includes('pets/added'));
      mqtt.drop();
      expect(await lost).toMatchObject({ class: 'transient', code: 'connection-lost' });

      const limits = { responseBytes: 8 };
      expect(await errorOf(call({ operation: 'chat', ...consume({ amount: 3 }) }, { limits }))).toMatchObject({
        class: 'permanent',
        code: 'response-too-large',
      });
    });
  });

  it.each([
    [{ operation: 'addPat', ...pet }, 'operation-unknown', /nearest are addPet/],
    [{ channel: 'pet', ...pet }, 'channel-unknown', /nearest are pets/],
    [{ operation: 'addPet', server: { name: 'brker' }, ...pet }, 'server-unknown', /nearest are broker/],
    [{ operation: 'addPet', protocol: 'ws', ...pet }, 'server-unknown', /no server for the protocol ws/],
    [{ operation: 'write', ...pet }, 'protocol-unsupported', /over kafka are not supported/],
    [{ operation: 'petAdded', server: { name: 'web' }, ...consume({ amount: 1 }) }, 'subscription-unsupported', /http/],
    [
      { operation: 'petAdded', subscription: { filter: '.payload ==', consume: { amount: 1 } }, ...login },
      'expression-invalid',
      /filter of the subscription is not valid/,
    ],
    [
      { operation: 'petAdded', ...consume({ while: '${ .x }' }), ...login },
      'expression-failed',
      /condition while of the subscription failed/,
    ],
    [{ operation: 'petAdded', ...consume({}) }, 'call-invalid', /needs amount, for, while or until/],
    [{ operation: 'addPet' }, 'call-invalid', /either message or subscription/],
    [
      { operation: 'addPet', message: { payload: 1, headers: { a: 'b' } } },
      'headers-unsupported',
      /mqtt have no headers/,
    ],
    [
      { operation: 'addPet', ...pet, authentication: { bearer: { token: 'x' } } },
      'authentication-invalid',
      /basic only/,
    ],
    [
      { operation: 'chat', ...pet, server: { name: 'live', variables: { host: 'elsewhere' } } },
      'call-invalid',
      /host cannot be elsewhere/,
    ],
  ])('refuses %j: %s', async (args, code, message) => {
    const error = await errorOf(call(args));
    expect(error).toMatchObject({ class: 'permanent', code });
    expect(error.message).toMatch(message);
  });

  it('lets no input choose another topic', async () => {
    for (const shopId of ['a/b', '#', '+', '', undefined, {}]) {
      const error = await errorOf(call({ operation: 'addPet', ...pet, ...login }, { input: { shopId } }));
      expect(error).toMatchObject({ class: 'permanent', code: 'address-invalid' });
    }
    expect(mqtt.published).toEqual([]);
  });

  it('asks whether it may go there, and tells who is not there', async () => {
    const addressOf = async (host: string, port: number) => {
      throw new Error(`not to ${host}:${port}`);
    };
    const refused = await errorOf(call({ operation: 'addPet', ...pet, ...login }, { addressOf }));
    expect(refused.message).toBe(`not to 127.0.0.1:${mqtt.port}`);
    const wrong = { authentication: { basic: { username: 'ann', password: 'hunter2' } } };
    const error = await errorOf(call({ operation: 'addPet', ...pet, ...wrong }));
    expect(error).toMatchObject({ class: 'transient', code: 'call-failed' });
    expect(error.message).not.toContain('hunter2');
  });

  it('refuses documents of other versions', async () => {
    expect(await errorOf(call(pet, {}, 'v1.yaml'))).toMatchObject({ code: 'document-invalid' });
  });
});
