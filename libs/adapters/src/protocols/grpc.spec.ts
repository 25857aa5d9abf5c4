import { setTimeout as wait } from 'node:timers/promises';
import { eventually, GrpcServer, HttpServer, type GrpcHandler } from '@spillway/testing';
import { callProtocol, closeConnections, forgetDocuments, type ProtocolContext } from '../index';
import { aContext, errorOf } from './testing/context';

const TYPES = `
syntax = "proto3";
package shop.types;
import "google/protobuf/timestamp.proto";
enum Size { SMALL = 0; LARGE = 1; }
message Pet {
  int64 pet_id = 1;
  string name = 2;
  Size size = 3;
  bytes photo = 4;
  repeated string tags = 5;
  map<string, int32> votes = 6;
  google.protobuf.Timestamp born = 7;
  double weight = 8;
  bool good = 9;
  oneof home { string street = 10; Pet with = 11; }
}`;
const PROTO = `
syntax = "proto3";
package shop;
import "types.proto";
import "google/protobuf/empty.proto";
service Pets {
  rpc Add (types.Pet) returns (types.Pet);
  rpc Fail (types.Pet) returns (google.protobuf.Empty);
  rpc Watch (google.protobuf.Empty) returns (stream types.Pet);
}`;

describe('call: grpc', () => {
  let files: HttpServer;
  let server: GrpcServer;
  let last: { message: Record<string, unknown>; metadata: Record<string, unknown> };
  let token = 'abc-token';
  let cancelled = 0;

  beforeAll(async () => {
    const text = (value: string) => (_: unknown, response: { end(text: string): unknown }) => response.end(value);
    files = await HttpServer.start({
      '/main.proto': text(PROTO),
      '/types.proto': text(TYPES),
      '/broken.proto': text('syntax = "proto3"; message {'),
      '/lost.proto': text('syntax = "proto3"; import "gone.proto"; message A {}'),
      '/unresolved.proto': text('syntax = "proto3"; message A { Nowhere b = 1; }'),
      '/loop.proto': text(PROTO.replace('import', 'import "loop.proto"; import')),
    });
    const seen = (call: Parameters<GrpcHandler>[0]) => {
      last = { message: call.request, metadata: call.metadata.getMap() };
    };
    server = await GrpcServer.start(
      PROTO,
      'shop.Pets',
      {
        Add: async (call) => {
          seen(call);
          if (call.request.name === 'slow') {
            call.on('cancelled', () => cancelled++);
            await wait(5_000, undefined, { ref: false });
          }
          if (call.request.name === 'large') return { name: 'x'.repeat(2_000_000) };
          return call.request;
        },
        Fail: (call) => {
          seen(call);
          const code = Number(call.request.pet_id);
          if (code === 16 && call.metadata.get('authorization')[0] === `Bearer ${token}`) return {};
          throw Object.assign(new Error('failed'), {
            code,
            details: `no: ${String(call.metadata.get('authorization')[0])}`,
          });
        },
      },
      { 'types.proto': TYPES },
    );
  });

  beforeEach(() => {
    forgetDocuments();
    token = 'abc-token';
  });

  afterAll(async () => {
    server.close();
    await closeConnections();
    await files.close();
  });

  const call = (method: string, args: object | undefined, more: object = {}, context: Partial<ProtocolContext> = {}) =>
    callProtocol(
      'grpc',
      {
        proto: { endpoint: `${files.url}/main.proto` },
        service: { name: 'shop.Pets', host: '127.0.0.1', port: server.port },
        method,
        arguments: args,
        ...more,
      },
      aContext(context),
    );

  it('sends and returns every kind of field as JSON', async () => {
    const pet = {
      pet_id: '9007199254740993',
      name: 'milou',
      size: 'LARGE',
      photo: 'AQL/',
      tags: ['a', 'b'],
      votes: { ann: 3 },
      born: { seconds: 1_000, nanos: 5 },
      weight: 2.5,
      good: true,
      with: { petId: 2, name: 'tintin' },
    };
    const answer = await call('Add', pet);
    expect(answer).toMatchObject({
      petId: '9007199254740993',
      name: 'milou',
      size: 'LARGE',
      photo: 'AQL/',
      tags: ['a', 'b'],
      votes: { ann: 3 },
      born: { seconds: '1000', nanos: 5 },
      weight: 2.5,
      good: true,
      with: { petId: '2', name: 'tintin', size: 'SMALL', tags: [] },
    });
    expect(answer).not.toHaveProperty('street');
    expect(last.message).toMatchObject({ pet_id: '9007199254740993', photo: Buffer.from([1, 2, 255]), size: 1 });
  });

  it('carries the key, the trace and credentials', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const authentication = { bearer: { token } };
    const service = { name: 'shop.Pets', host: '127.0.0.1', port: server.port, authentication };
    await expect(call('Fail', { petId: 16 }, { service }, { traceparent })).resolves.toEqual({});
    expect(last.metadata).toMatchObject({
      'idempotency-key': 'step-1',
      traceparent,
      authorization: 'Bearer abc-token',
    });
    token = 'another';
    const error = await errorOf(call('Fail', { petId: 16 }, { service }));
    expect(error).toMatchObject({ class: 'permanent', code: 'grpc-unauthenticated', details: { status: 401 } });
    expect(JSON.stringify([error.message, error.details])).not.toContain('abc-token');
  });

  it.each([
    [3, 'permanent', 'grpc-invalid-argument', 400],
    [5, 'permanent', 'grpc-not-found', 404],
    [7, 'permanent', 'grpc-permission-denied', 403],
    [8, 'rate-limited', 'grpc-resource-exhausted', 429],
    [10, 'transient', 'grpc-aborted', 409],
    [13, 'transient', 'grpc-internal', 500],
    [14, 'transient', 'grpc-unavailable', 503],
  ])('status %i is %s', async (petId, errorClass, code, status) => {
    const error = await errorOf(call('Fail', { petId }));
    expect(error).toMatchObject({ class: errorClass, code });
    expect(error.details).toEqual({
      type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication',
      status,
      title: code.slice(5).replaceAll('-', '_').toUpperCase(),
      detail: 'no: undefined',
      grpcStatus: petId,
    });
  });

  it('nobody there is worth another try', async () => {
    const service = { name: 'shop.Pets', host: '127.0.0.1', port: 1 };
    expect(await errorOf(call('Add', {}, { service }))).toMatchObject({ class: 'transient', code: 'grpc-unavailable' });
  });

  it('an abort cancels the call at the server too', async () => {
    const abort = new AbortController();
    const pending = errorOf(call('Add', { name: 'slow' }, {}, { signal: abort.signal }));
    await eventually(() => last.message['name'] === 'slow');
    abort.abort(new Error('cancelled by hand'));
    expect((await pending).message).toBe('cancelled by hand');
    await eventually(() => cancelled === 1);
  });

  it('refuses an answer that is too large', async () => {
    expect(await errorOf(call('Add', { name: 'large' }))).toMatchObject({
      class: 'permanent',
      code: 'response-too-large',
    });
  });

  it('asks whether it may go there', async () => {
    const addressOf = async (host: string, port: number) => {
      throw new Error(`not to ${host}:${port}`);
    };
    expect((await errorOf(call('Add', {}, {}, { addressOf }))).message).toBe(`not to 127.0.0.1:${server.port}`);
  });

  it.each([
    [{ nme: 'x' }, /no field nme; did you mean name/],
    [{ petId: 1.5 }, /petId has to be a whole number/],
    [{ petId: 'one' }, /petId has to be a whole number/],
    [{ name: 7 }, /name has to be text/],
    [{ size: 'HUGE' }, /size has to be one of SMALL, LARGE/],
    [{ tags: 'a' }, /tags has to be an array/],
    [{ with: { with: { good: 'yes' } } }, /with.with.good has to be true or false/],
    [{ photo: 'not base64!' }, /photo has to be base64/],
    [{ votes: { ann: 'x' } }, /votes.ann has to be a whole number/],
  ])('refuses the arguments %j', async (args, message) => {
    const error = await errorOf(call('Add', args));
    expect(error).toMatchObject({ class: 'permanent', code: 'argument-invalid' });
    expect(error.message).toMatch(message);
  });

  it.each([
    [{ service: { name: 'shop.Pet', host: 'x' } }, 'service-unknown', /nearest are shop.Pets/],
    [{ method: 'Ad' }, 'method-unknown', /nearest are Add/],
    [{ method: 'Watch' }, 'method-streams', /only unary/],
    [{ service: { name: 'shop.Pets', host: 'a/b' } }, 'call-invalid', /service.host/],
  ])('refuses %j', async (more, code, message) => {
    const error = await errorOf(call('Add', {}, more));
    expect(error).toMatchObject({ class: 'permanent', code });
    expect(error.message).toMatch(message);
  });

  it('reads each document once, also one that imports itself', async () => {
    await expect(call('Add', {}, { proto: { endpoint: `${files.url}/loop.proto` } })).resolves.toMatchObject({
      name: '',
    });
    const before = files.requests.length;
    await call('Add', {}, { proto: { endpoint: `${files.url}/loop.proto` } });
    expect(files.requests.length).toBe(before);
  });

  it.each([
    ['broken', 'document-invalid'],
    ['lost', 'http-404'],
    ['unresolved', 'document-invalid'],
  ])('refuses the document %s.proto: %s', async (name, code) => {
    const error = await errorOf(call('Add', {}, { proto: { endpoint: `${files.url}/${name}.proto` } }));
    expect(error).toMatchObject({ class: 'permanent', code });
  });
});
