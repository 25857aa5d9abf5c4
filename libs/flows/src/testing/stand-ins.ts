import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const PETS: Record<string, object> = {
  1: { id: 1, name: 'Rex', status: 'available' },
  2: { id: 2, name: 'Bella', status: 'available' },
};
const CREDENTIALS = `Basic ${Buffer.from('serverless-workflow:conformance-test').toString('base64')}`;
const SWAGGER = (host: string) => ({
  swagger: '2.0',
  host,
  basePath: '/v2',
  schemes: ['http'],
  info: { title: 'Petstore', version: '1' },
  paths: {
    '/pet/findByStatus': {
      get: {
        operationId: 'findPetsByStatus',
        parameters: [
          { name: 'status', in: 'query', type: 'array', items: { type: 'string' }, collectionFormat: 'multi' },
        ],
        responses: { 200: { description: 'ok' } },
      },
    },
    '/pet/{petId}': {
      get: {
        operationId: 'getPetById',
        parameters: [{ name: 'petId', in: 'path', required: true, type: 'integer' }],
        responses: { 200: { description: 'ok' } },
      },
    },
  },
});

/** What the conformance kit calls on the internet (petstore.swagger.io, httpbin.org), on loopback. */
export class StandIns {
  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async start(): Promise<StandIns> {
    const server = createServer((request, response) => {
      const send = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      const path = new URL(request.url!, 'http://x').pathname;
      if (path === '/v2/swagger.json') return send(200, SWAGGER(request.headers.host!));
      if (path === '/v2/pet/findByStatus') return send(200, Object.values(PETS));
      const pet = PETS[/^\/v2\/pet\/(\d+)$/.exec(path)?.[1] ?? ''];
      if (pet) return send(200, pet);
      if (path.startsWith('/basic-auth/')) {
        const ok = request.headers.authorization === CREDENTIALS;
        return send(ok ? 200 : 401, { authenticated: ok, user: 'serverless-workflow' });
      }
      return send(404, { message: 'not found' });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections());
    return new StandIns(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
  }

  /** A definition that calls the stand-ins in place of the internet. */
  redirect<T>(definition: T): T {
    const text = JSON.stringify(definition).replace(/https?:\/\/(petstore\.swagger\.io|httpbin\.org)/g, this.url);
    return JSON.parse(text) as T;
  }
}
