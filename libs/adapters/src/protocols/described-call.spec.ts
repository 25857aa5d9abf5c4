import { checkDescribedCall } from './described-call';

const URI = 'file:///api';
const OPENAPI = {
  openapi: '3.1.0',
  servers: [{ url: 'https://pets.example' }],
  paths: {
    '/pets/{id}': {
      get: {
        operationId: 'getPet',
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'integer' } },
          { name: 'fields', in: 'query', schema: { type: 'string' } },
        ],
      },
    },
  },
};
const ASYNCAPI = (protocol: string) => ({
  asyncapi: '3.0.0',
  servers: { main: { host: 'broker.example', protocol } },
  channels: { orders: { address: 'orders', messages: {} } },
  operations: { order: { action: 'send', channel: { $ref: '#/channels/orders' } } },
});
const PROTO = `
  syntax = "proto3";
  package shop;
  message Order { string id = 1; }
  service Orders { rpc Get (Order) returns (Order); rpc Watch (Order) returns (stream Order); }`;

const check = (call: string, args: Record<string, unknown>, document: unknown) =>
  checkDescribedCall(call, args, URI, { [URI]: typeof document === 'string' ? document : JSON.stringify(document) });

it.each([
  ['openapi', { operationId: 'getPets' }, OPENAPI, 'the nearest are getPet'],
  ['openapi', { operationId: 'getPet' }, OPENAPI, 'id'],
  ['openapi', { operationId: 'getPet', parameters: { id: '${ .id }', field: 'name' } }, OPENAPI, 'field'],
  ['openapi', { operationId: 'getPet', parameters: { id: 1 } }, { hello: 1 }, 'neither OpenAPI 3 nor Swagger 2'],
  ['asyncapi', { operation: 'ordr', message: {} }, ASYNCAPI('mqtt'), 'ordr'],
  ['asyncapi', { operation: 'order', message: {} }, ASYNCAPI('kafka'), 'messages over kafka are not supported'],
  ['asyncapi', { operation: 'order', subscription: {} }, ASYNCAPI('https'), 'nothing can be subscribed to over http'],
  ['grpc', { service: { name: 'shop.Order' }, method: 'Get' }, PROTO, 'the nearest are shop.Orders'],
  ['grpc', { service: { name: 'shop.Orders' }, method: 'Got' }, PROTO, 'the nearest are Get'],
  ['grpc', { service: { name: 'shop.Orders' }, method: 'Watch' }, PROTO, 'streams'],
  ['grpc', { service: { name: 'shop.Orders' }, method: 'Get' }, 'message {', 'illegal type name'],
])('refuses a call of %s that its document does not have: %j', async (call, args, document, words) => {
  await expect(check(call, args, document)).rejects.toThrow(words);
});

it.each([
  ['openapi', { operationId: 'getPet', parameters: { id: '${ .id }' } }, OPENAPI],
  ['openapi', { operationId: 'getPet', parameters: '${ .parameters }' }, OPENAPI],
  ['openapi', { operationId: '${ .operation }' }, OPENAPI],
  ['asyncapi', { operation: 'order', message: {} }, ASYNCAPI('mqtt')],
  ['asyncapi', { channel: '${ .channel }', message: {} }, ASYNCAPI('kafka')],
  ['grpc', { service: { name: 'shop.Orders' }, method: 'Get', arguments: { id: '${ .id }' } }, PROTO],
])('takes one of %s that it may have: %j', async (call, args, document) => {
  await expect(check(call, args, document)).resolves.toBeUndefined();
});
