import { HttpServer, sendJson, type ServedRequest } from '@spillway/testing';
import * as fc from 'fast-check';
import { callProtocol, closeConnections, type ProtocolContext } from '../index';
import { forgetDocuments } from './document';
import { queryPairs } from './openapi-parameters';
import { aContext, errorOf } from './testing/context';

const SWAGGER2 = (host: string) => ({
  swagger: '2.0',
  info: { title: 'Petstore', version: '1' },
  host,
  basePath: '/v2',
  schemes: ['http'],
  paths: {
    '/pet/findByStatus': {
      get: {
        operationId: 'findPetsByStatus',
        produces: ['application/xml', 'application/json'],
        parameters: [
          { name: 'status', in: 'query', required: true, type: 'array', collectionFormat: 'multi' },
          { name: 'tags', in: 'query', type: 'array', collectionFormat: 'pipes' },
        ],
      },
    },
    '/pet/{petId}': {
      parameters: [{ $ref: '#/parameters/petId' }],
      get: { operationId: 'getPetById', security: [{ api_key: [] }] },
      post: {
        operationId: 'updatePetWithForm',
        consumes: ['application/x-www-form-urlencoded'],
        parameters: [{ name: 'name', in: 'formData', type: 'string' }],
      },
    },
    '/pet': {
      post: {
        operationId: 'addPet',
        consumes: ['application/xml', 'application/json'],
        parameters: [{ in: 'body', name: 'pet', required: true, schema: { type: 'object' } }],
      },
    },
  },
  parameters: { petId: { name: 'petId', in: 'path', required: true, type: 'integer' } },
  securityDefinitions: { api_key: { type: 'apiKey', name: 'X-Key', in: 'header' } },
});

const OPENAPI31 = `
openapi: 3.1.0
info: { title: Orders, version: '1' }
servers:
  - url: /{stage}/
    variables: { stage: { default: live } }
paths:
  /orders/{ids}/{kind}:
    get:
      operationId: getOrders
      parameters:
        - $ref: shared.yaml#/parameters/ids
        - { name: kind, in: path, required: true, schema: { type: string }, style: matrix }
        - { name: filter, in: query, style: deepObject, explode: true, schema: { type: object } }
        - { name: where, in: query, content: { application/json: { schema: {} } } }
        - { name: near, in: query, explode: false, schema: { type: array } }
        - { name: X-Trace, in: header, schema: { type: array } }
        - { name: session, in: cookie, schema: { type: string } }
      responses: { '200': { $ref: 'shared.yaml#/responses/good' } }
  /orders:
    post:
      operationId: addOrder
      requestBody:
        required: true
        content:
          application/xml: {}
          application/json: { schema: { $ref: 'shared.yaml#/schemas/order' } }
  /note:
    put:
      operationId: putNote
      requestBody: { content: { application/json: { schema: { type: string } } } }
`;
const SHARED = `
parameters:
  ids: { name: ids, in: path, required: true, schema: { type: array } }
responses:
  good: { description: good, content: { application/json: {} } }
schemas:
  order: { type: object, properties: { item: { type: string }, parts: { type: array, items: { $ref: '#/schemas/order' } } } }
`;

describe('call: openapi', () => {
  let server: HttpServer;
  let away = false;
  const documents = () => server.requests.filter(({ path }) => /^\/(?:swagger|api|shared)/.test(path));

  beforeAll(async () => {
    const seen = ({ method, path, body }: ServedRequest, response: Parameters<typeof sendJson>[0]) =>
      sendJson(response, { method, path, body: body.toString() });
    const yaml = (text: string) => (_: ServedRequest, response: Parameters<typeof sendJson>[0]) =>
      response.writeHead(200, { 'content-type': 'application/yaml' }).end(text);
    server = await HttpServer.start({
      '/swagger.json': ({ headers }, response) => {
        if (away) return sendJson(response, {}, 503);
        if (headers['if-none-match'] === '"v1"') return response.writeHead(304).end();
        response.setHeader('etag', '"v1"');
        sendJson(response, SWAGGER2(`127.0.0.1:${server.port}`));
      },
      '/api.yaml': yaml(OPENAPI31),
      '/shared.yaml': yaml(SHARED),
      '/file.yaml': yaml(OPENAPI31.replaceAll('shared.yaml', 'file:///etc/passwd')),
      '/list.json': yaml('[1, 2]'),
      '/odd.json': yaml('{"info": {}}'),
      '/broken.json': yaml(
        '{"openapi": "3.0.0", "paths": {"/a": {"get": {"operationId": "a", "parameters": [{"$ref": "#/gone"}]}}}}',
      ),
      '/v2/pet/findByStatus': seen,
      '/v2/pet/1': seen,
      '/v2/pet': seen,
      '/live/orders/3,4/;kind=a%2Fb': seen,
      '/live/orders': seen,
      '/live/note': seen,
    });
  });

  beforeEach(() => {
    forgetDocuments();
    away = false;
  });

  afterAll(async () => {
    jest.useRealTimers();
    await closeConnections();
    await server.close();
  });

  const call = (
    file: string,
    operationId: string,
    parameters?: object,
    more: Partial<ProtocolContext> = {},
    rest = {},
  ) =>
    callProtocol(
      'openapi',
      { document: { endpoint: `${server.url}/${file}` }, operationId, parameters, ...rest },
      aContext(more),
    );

  describe('Swagger 2', () => {
    it('puts query parameters as their collection format says', async () => {
      const parameters = { status: ['available', 'sold out'], tags: ['a', 'b'] };
      await expect(call('swagger.json', 'findPetsByStatus', parameters)).resolves.toMatchObject({
        method: 'GET',
        path: '/v2/pet/findByStatus?status=available&status=sold%20out&tags=a%7Cb',
      });
      expect(server.last.headers).toMatchObject({
        accept: 'application/xml, application/json',
        'idempotency-key': 'step-1',
      });
    });

    it("takes the link to answer through with it, which is nobody else's to see", async () => {
      const link = { callbackUrl: 'https://spillway.example/v1/callbacks/1' };
      const answer = await call('swagger.json', 'getPetById', { petId: 1, 'X-Key': 'k' }, link, { output: 'response' });
      expect(server.last.headers['spillway-callback']).toBe(link.callbackUrl);
      expect(answer).toMatchObject({ request: { headers: { 'spillway-callback': '***' } } });
    });

    it('takes path parameters, API keys and output: response', async () => {
      const parameters = { petId: 1, 'X-Key': 'key-of-the-shop' };
      const secrets = { key: 'key-of-the-shop' };
      const answer = await call('swagger.json', 'getPetById', parameters, { secrets }, { output: 'response' });
      expect(answer).toMatchObject({
        request: { method: 'get', uri: `${server.url}/v2/pet/1`, headers: { 'x-key': '***' } },
        statusCode: 200,
        content: { path: '/v2/pet/1' },
      });
      expect(server.last.headers['x-key']).toBe('key-of-the-shop');
    });

    it('sends bodies under their name or as body, and forms', async () => {
      await expect(call('swagger.json', 'addPet', { pet: { name: 'milou' } })).resolves.toMatchObject({
        body: '{"name":"milou"}',
      });
      expect(server.last.headers['content-type']).toBe('application/json');
      await expect(call('swagger.json', 'addPet', { body: { name: 'b' } })).resolves.toMatchObject({
        body: '{"name":"b"}',
      });
      await expect(call('swagger.json', 'updatePetWithForm', { petId: 1, name: 'x y' })).resolves.toMatchObject({
        body: 'name=x+y',
      });
    });
  });

  describe('OpenAPI 3.1', () => {
    it('serializes every place and style, with references to another document', async () => {
      const parameters = {
        ids: [3, 4],
        kind: 'a/b',
        filter: { status: 'open', size: { min: 2 } },
        where: { a: 1 },
        near: [1.5, 2],
        'X-Trace': ['p', 'q'],
        session: 'abc',
      };
      const answer = (await call('api.yaml', 'getOrders', parameters)) as { path: string };
      expect(answer.path).toBe(
        '/live/orders/3,4/;kind=a%2Fb?filter%5Bstatus%5D=open&filter%5Bsize%5D%5Bmin%5D=2&where=%7B%22a%22%3A1%7D&near=1.5,2',
      );
      expect(server.last.headers).toMatchObject({
        'x-trace': 'p,q',
        cookie: 'session=abc',
        accept: 'application/json',
      });
    });

    it('makes the body of what is no other parameter', async () => {
      await expect(call('api.yaml', 'addOrder', { item: 'pen', parts: [] })).resolves.toMatchObject({
        method: 'POST',
        body: '{"item":"pen","parts":[]}',
      });
    });

    it('sends a text as a JSON string where the body is JSON', async () => {
      await expect(call('api.yaml', 'putNote', { body: 'hi' })).resolves.toMatchObject({ body: '"hi"' });
    });
  });

  it.each([
    ['swagger.json', 'findPetByStatus', {}, 'operation-unknown', /the nearest are findPetsByStatus/],
    ['swagger.json', 'getPetById', {}, 'parameter-missing', /GET \/pet\/\{petId\} needs the parameter petId/],
    ['swagger.json', 'getPetById', { petId: '..' }, 'parameter-invalid', /made of dots/],
    ['swagger.json', 'getPetById', { petId: 1, petid: 2 }, 'parameter-unknown', /did you mean petId\?/],
    ['swagger.json', 'addPet', {}, 'parameter-missing', /needs the parameter pet/],
    ['api.yaml', 'addOrder', {}, 'parameter-missing', /needs the parameter body/],
    ['list.json', 'x', {}, 'document-invalid', /no JSON or YAML object/],
    ['odd.json', 'x', {}, 'document-invalid', /neither OpenAPI 3 nor Swagger 2/],
    ['broken.json', 'a', {}, 'document-invalid', /refers to #\/gone/],
    ['file.yaml', 'getOrders', {}, 'url-invalid', /not an http or https URL/],
    ['gone.json', 'a', {}, 'http-404', /answered 404/],
  ])('%s %s %j is refused: %s', async (file, operation, parameters, code, message) => {
    const error = await errorOf(call(file, operation, parameters));
    expect(error).toMatchObject({ class: 'permanent', code, message: expect.stringMatching(message) as string });
  });

  it('fetches a document once, asks by its ETag later, and makes do with its copy while the server is away', async () => {
    const before = documents().length;
    await call('swagger.json', 'getPetById', { petId: 1 });
    await call('swagger.json', 'getPetById', { petId: 1 });
    expect(documents().length - before).toBe(1);
    const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 400_000);
    await call('swagger.json', 'getPetById', { petId: 1 });
    expect(documents().at(-1)!.headers['if-none-match']).toBe('"v1"');
    expect(documents().length - before).toBe(2);
    later.mockReturnValue(Date.now() + 400_000);
    away = true;
    await expect(call('swagger.json', 'getPetById', { petId: 1 })).resolves.toMatchObject({ method: 'GET' });
    expect(documents().length - before).toBe(3);
    later.mockRestore();
    expect(await errorOf(call('swagger.json', 'getPetById', { petId: 1 }, { tenant: 'other' }))).toMatchObject({
      class: 'transient',
    });
  });

  it('reads documents and their references through the context only', async () => {
    const asked: string[] = [];
    const fetchDocument = async ({ uri }: { uri: string }) => {
      asked.push(uri);
      if (uri.includes('169.254')) throw new Error('not allowed');
      return { uri, text: OPENAPI31.replaceAll('shared.yaml', 'http://169.254.169.254/latest') };
    };
    const error = await errorOf(
      callProtocol(
        'openapi',
        { document: { endpoint: 'http://docs.test/api' }, operationId: 'getOrders' },
        aContext({ fetchDocument }),
      ),
    );
    expect(error).toMatchObject({ code: 'document-invalid' });
    expect(asked).toEqual(['http://docs.test/api', 'http://169.254.169.254/latest']);
  });

  it('reads every value of a query back', () => {
    const parameter = {
      name: 'a b',
      in: 'query' as const,
      required: false,
      style: 'form',
      allowReserved: false,
      json: false,
    };
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), fc.boolean(), (values, allowReserved) => {
        const query = queryPairs({ ...parameter, explode: true, allowReserved }, values).join('&');
        const url = new URL(`http://x/?${query}`);
        return (
          JSON.stringify(url.searchParams.getAll('a b')) === JSON.stringify(values.map((one) => one.toWellFormed()))
        );
      }),
    );
  });
});
