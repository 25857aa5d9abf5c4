import { DnsServer, GrpcServer, HttpServer, MqttBroker, SocketServer } from '@spillway/testing';
import { request } from 'undici';
import { HttpAdapter } from '../http/http-adapter';
import { callProtocol } from '../protocols';
import { aContext, errorOf } from '../protocols/testing/context';
import { Transport } from '../transport';
import { Egress } from './egress';

const REFUSED = { code: 'egress-refused', class: 'permanent' };
/** Public, by its number; nothing here can be reached there. */
const PUBLIC = '8.8.8.8';
let server: HttpServer;
let dns: DnsServer;

beforeAll(async () => {
  server = await HttpServer.start({
    '/': (_, response) => response.end('inside'),
    '/to-metadata': (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
    '/to-name': (_, response) => response.writeHead(302, { location: `http://inside.example:${server.port}/` }).end(),
  });
  dns = await DnsServer.start({
    'rebind.example': [[PUBLIC], ['127.0.0.1']],
    'rebind-socket.example': [[PUBLIC], ['127.0.0.1']],
    'inside.example': [['127.0.0.1']],
    'both.example': [[PUBLIC, '10.0.0.1']],
    'trusted.example': [['127.0.0.1']],
  });
});
afterAll(() => Promise.all([server.close(), dns.close()]));

const made: Egress[] = [];
afterEach(() => Promise.all(made.splice(0).map((egress) => egress.close())));

function egress(allow: string[] = [], mode: 'strict' | 'off' = 'strict'): Egress {
  const one = new Egress({ mode, allow, lookup: dns.lookup });
  made.push(one);
  return one;
}

/** What a call came to: its status, or its error. */
async function get(url: string, from = egress(), own: string[] = []): Promise<unknown> {
  try {
    const answer = await request(url, { dispatcher: from.gate(own).dispatcher, signal: AbortSignal.timeout(5_000) });
    await answer.body.dump();
    return answer.statusCode;
  } catch (error) {
    return error;
  }
}

describe('over HTTP', () => {
  it.each([
    ['127.0.0.1'],
    ['2130706433'],
    ['0x7f.0.0.1'],
    ['0177.0.0.1'],
    ['127.1'],
    ['0'],
    ['[::1]'],
    ['[::ffff:127.0.0.1]'],
    ['[::ffff:7f00:1]'],
    ['[64:ff9b::7f00:1]'],
    ['inside.example'],
    ['inside.example.'],
    ['INSIDE.example'],
    ['①②⑦.⓪.⓪.①'],
  ])('does not go to %s', async (host) => {
    expect(await get(`http://${host}:${server.port}/`)).toMatchObject(REFUSED);
    expect(await get(`https://${host}:${server.port}/`)).toMatchObject(REFUSED);
    expect(server.requests).toHaveLength(0);
  });

  it('does not go to a name that was public when it was looked at', async () => {
    const gate = egress().gate();
    expect(await gate.addressOf('rebind.example', server.port)).toBe(PUBLIC);
    const error = await get(`http://rebind.example:${server.port}/`);
    expect(error).toMatchObject({ ...REFUSED, message: expect.stringMatching(/rebind\.example.*loopback/) as string });
    expect(dns.asked.filter((name) => name === 'rebind.example')).toHaveLength(2);
    expect(server.requests).toHaveLength(0);
  });

  it('does not go to a name of which one address is private', async () => {
    expect(await get('http://both.example/')).toMatchObject(REFUSED);
  });

  it('goes where it is allowed to, for everybody or one tenant, and everywhere when it is off', async () => {
    const url = `http://inside.example:${server.port}/`;
    expect(await get(url, egress([`inside.example:${server.port}`]))).toBe(200);
    expect(await get(url, egress(['inside.example:1']))).toMatchObject(REFUSED);
    expect(await get(url, egress(['127.0.0.0/8']))).toBe(200);
    expect(await get(url, egress([], 'off'))).toBe(200);
    const shared = egress();
    expect(await get(url, shared, [`127.0.0.1:${server.port}`])).toBe(200);
    // A connection that one tenant may have is not there for another.
    expect(await get(url, shared)).toMatchObject(REFUSED);
    expect(await get(url, shared, ['10.0.0.0/8'])).toMatchObject(REFUSED);
  });
});

describe('each way out', () => {
  const gateOf = (allow: string[]) => {
    const gate = egress(allow).gate();
    return {
      dispatcher: gate.dispatcher,
      addressOf: (host: string, port: number) => gate.addressOf(host, port),
    };
  };
  const call = (kind: Parameters<typeof callProtocol>[0], args: unknown, allow: string[] = []) =>
    callProtocol(kind, args, aContext(gateOf(allow)));

  beforeEach(() => void server.requests.splice(0));

  it('HTTP, by a redirect', async () => {
    const first = `http://127.0.0.1:${server.port}/to-metadata`;
    const get = (endpoint: string, allow: string[]) => call('http', { method: 'GET', endpoint, redirect: true }, allow);
    expect(await errorOf(get(first, [`127.0.0.1:${server.port}`]))).toMatchObject(REFUSED);
    const named = [`trusted.example:${server.port}`];
    expect(await errorOf(get(`http://trusted.example:${server.port}/to-name`, named))).toMatchObject(REFUSED);
    expect(server.requests.map(({ path }) => path)).toEqual(['/to-metadata', '/to-name']);
  });

  it('HTTP of routes and adapters', async () => {
    const { dispatcher } = gateOf([]);
    const signal = AbortSignal.timeout(5_000);
    const around = { input: {}, variables: {}, idempotencyKey: 'k', signal, dispatcher };
    expect(
      await errorOf(new HttpAdapter().call({ url: server.url, method: 'POST', headers: {} }, around)),
    ).toMatchObject(REFUSED);
    const log = { debug: () => undefined, warn: () => undefined };
    const options = { baseUrl: server.url };
    const transport = new Transport(
      { options, secrets: {}, idempotencyKey: 'k', signal, dispatcher, log },
      {
        name: 'test',
        explain: () => undefined,
      },
    );
    expect(await errorOf(transport.json('GET', 'https://api.example/x'))).toMatchObject(REFUSED);
    expect(server.requests).toHaveLength(0);
  });

  it('documents, tokens and MCP', async () => {
    const document = { endpoint: `${server.url}/` };
    expect(await errorOf(call('openapi', { document, operationId: 'x' }))).toMatchObject(REFUSED);
    expect(await errorOf(call('asyncapi', { document, operation: 'x', message: { payload: 1 } }))).toMatchObject(
      REFUSED,
    );
    const transport = { http: { endpoint: `${server.url}/` } };
    expect(await errorOf(call('mcp', { method: 'tools/list', transport }))).toMatchObject(REFUSED);
    const oauth2 = { authority: server.url, grant: 'client_credentials', client: { id: 'a', secret: 'b' } };
    const endpoint = { uri: `http://${PUBLIC}/`, authentication: { oauth2 } };
    expect(await errorOf(call('http', { method: 'GET', endpoint }))).toMatchObject(REFUSED);
    expect(server.requests).toHaveLength(0);
  });

  it('gRPC, by a name that is looked up once', async () => {
    const proto = 'syntax = "proto3"; package t; service S { rpc Add (M) returns (M); } message M { string name = 1; }';
    const grpc = await GrpcServer.start(proto, 't.S', {
      Add: ({ request: { name } }) => ({ name: `${String(name)}!` }),
    });
    const documents = await HttpServer.start({ '/s.proto': (_, response) => response.end(proto) });
    const args = (host: string) => ({
      proto: { endpoint: `${documents.url}/s.proto` },
      service: { name: 't.S', host, port: grpc.port },
      method: 'Add',
      arguments: { name: 'x' },
    });
    const allow = [`127.0.0.1:${documents.port}`];
    expect(await errorOf(call('grpc', args('inside.example'), allow))).toMatchObject(REFUSED);
    expect(await errorOf(call('grpc', args('127.0.0.1'), allow))).toMatchObject(REFUSED);
    expect(await call('grpc', args('trusted.example'), [...allow, 'trusted.example'])).toEqual({ name: 'x!' });
    grpc.close();
    await documents.close();
  });

  it('MQTT, Redis and WebSocket', async () => {
    const [mqtt, sockets] = await Promise.all([MqttBroker.start(), SocketServer.start()]);
    const ports: Record<string, number> = { mqtt: mqtt.port, redis: server.port, ws: sockets.port };
    const documents = await HttpServer.start(
      Object.fromEntries(
        Object.keys(ports).map((protocol) => [
          `/${protocol}`,
          (_, response) => response.end(asyncApi(protocol, ports[protocol]!)),
        ]),
      ),
    );
    for (const protocol of Object.keys(ports)) {
      const args = {
        document: { endpoint: `${documents.url}/${protocol}` },
        operation: 'say',
        message: { payload: 'hello' },
      };
      const allow = [`127.0.0.1:${documents.port}`];
      expect([protocol, await errorOf(call('asyncapi', args, allow))]).toMatchObject([protocol, REFUSED]);
    }
    const again = { document: { endpoint: `${documents.url}/mqtt` }, operation: 'say', message: { payload: 'hello' } };
    await call('asyncapi', again, ['127.0.0.0/8']);
    expect(mqtt.published).toHaveLength(1);
    await Promise.all([mqtt.close(), sockets.close(), documents.close()]);
  });
});

function asyncApi(protocol: string, port: number): string {
  return JSON.stringify({
    asyncapi: '3.0.0',
    info: { title: 't', version: '1' },
    servers: { live: { host: `inside.example:${port}`, protocol } },
    channels: { c: { address: 'c', messages: { m: { contentType: 'text/plain' } } } },
    operations: { say: { action: 'send', channel: { $ref: '#/channels/c' } } },
  });
}
