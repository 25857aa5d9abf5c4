import { eventually, McpTestServer } from '@spillway/testing';
import { callProtocol, closeConnections, type ProtocolContext } from '../index';
import { aContext, errorOf } from './testing/context';

const RUNTIME = 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime';

describe.each([{ json: false }, { json: true }])('call: mcp, answers %j', (options) => {
  let server: McpTestServer;

  beforeAll(async () => {
    server = await McpTestServer.start(options);
  });

  beforeEach(() => {
    server.requests.length = 0;
    server.authorization = undefined;
    server.outage = undefined;
  });

  afterAll(async () => {
    await closeConnections();
    await server.close();
  });

  const call = (method: string, parameters?: object, more: object = {}, context: Partial<ProtocolContext> = {}) =>
    callProtocol(
      'mcp',
      { method, parameters, transport: { http: { endpoint: server.url } }, ...more },
      aContext(context),
    );
  const tool = (name: string, more: object = {}, context: Partial<ProtocolContext> = {}) =>
    call('tools/call', { name, arguments: { words: 'hello' } }, more, context);

  it.each([
    ['tools/list', undefined, { tools: [{ name: 'echo' }, { name: 'fail' }, { name: 'large' }, { name: 'slow' }] }],
    ['tools/call', { name: 'echo', arguments: { words: 'hi' } }, { content: [{ type: 'text', text: 'hi' }] }],
    ['prompts/list', undefined, { prompts: [{ name: 'greet' }] }],
    ['prompts/get', { name: 'greet', arguments: { name: 'Ann' } }, { messages: [{ content: { text: 'Greet Ann' } }] }],
    ['resources/list', undefined, { resources: [{ uri: 'note://one' }] }],
    ['resources/read', { uri: 'pet://7' }, { contents: [{ text: 'pet 7' }] }],
    ['resources/templates/list', undefined, { resourceTemplates: [{ uriTemplate: 'pet://{id}' }] }],
  ])('%s', async (method, parameters, expected) => {
    await expect(call(method, parameters)).resolves.toMatchObject(expected);
  });

  it('introduces itself as the flow says, and ends its session', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const transport = { http: { endpoint: server.url, headers: { 'X-Shop': 'north' } } };
    await tool(
      'echo',
      { client: { name: 'me', version: '2' }, protocolVersion: '2025-03-26', transport },
      { traceparent },
    );
    const initialize = server.requests.find(({ method }) => method === 'initialize');
    expect(initialize).toMatchObject({
      method: 'initialize',
      params: { protocolVersion: '2025-03-26', clientInfo: { name: 'me', version: '2' } },
      headers: { 'x-shop': 'north', traceparent, 'user-agent': 'Spillway/0.1' },
    });
    const keys = server.requests.filter(({ headers }) => headers['idempotency-key'] === 'step-1');
    expect(keys.map(({ method }) => method)).toEqual(['tools/call']);
    await eventually(() => server.openSessions === 0);
  });

  it('takes an authentication policy', async () => {
    server.authorization = 'Bearer abc-token';
    const transport = (token: string) => ({
      http: { endpoint: { uri: server.url, authentication: { bearer: { token } } } },
    });
    await expect(tool('echo', { transport: transport('abc-token') })).resolves.toMatchObject({
      content: [{ text: 'hello' }],
    });
    const error = await errorOf(tool('echo', { transport: transport('wrong-token') }));
    expect(error).toMatchObject({ class: 'permanent', code: 'http-401', details: { type: RUNTIME, status: 401 } });
    expect(JSON.stringify([error.message, error.details])).not.toContain('wrong-token');
  });

  it('a tool that says it failed is an error', async () => {
    const error = await errorOf(tool('fail'));
    expect(error).toMatchObject({ class: 'permanent', code: 'mcp-tool-failed' });
    expect(error.details).toMatchObject({ type: RUNTIME, status: 500, detail: 'the shelf is empty' });
  });

  it('errors of the protocol are classified', async () => {
    const error = await errorOf(call('resources/read', { uri: 'nothing://here' }));
    expect(error).toMatchObject({ class: 'permanent', code: 'mcp-error', details: { type: RUNTIME, mcpCode: -32602 } });
    server.outage = 503;
    expect(await errorOf(tool('echo'))).toMatchObject({ class: 'transient', details: { type: RUNTIME, status: 503 } });
    const transport = { http: { endpoint: 'http://127.0.0.1:1/mcp' } };
    expect(await errorOf(tool('echo', { transport }))).toMatchObject({ class: 'transient', code: 'call-failed' });
  });

  it('ends at its timeout, and when it is cancelled', async () => {
    const error = await errorOf(tool('slow', { timeout: { milliseconds: 300 } }));
    expect(error).toMatchObject({ class: 'transient', code: 'mcp-timeout', details: { status: 408 } });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('cancelled by hand')), 200);
    expect((await errorOf(tool('slow', {}, { signal: abort.signal }))).message).toBe('cancelled by hand');
  });

  it('refuses an answer that is too large', async () => {
    const error = await errorOf(tool('large', { timeout: 'PT20S' }));
    expect(error).toMatchObject({ class: 'permanent', code: 'response-too-large' });
  });

  it.each([
    [{ transport: { stdio: { command: 'npx' } } }, 'mcp-stdio-refused'],
    [{ transport: {} }, 'call-invalid'],
    [{ method: 'tools/destroy' }, 'call-invalid'],
    [{ timeout: 'soon' }, 'call-invalid'],
    [{ transport: { http: { endpoint: 'file:///etc/passwd' } } }, 'url-invalid'],
  ])('refuses %j: %s', async (more, code) => {
    expect(await errorOf(tool('echo', more))).toMatchObject({ class: 'permanent', code });
  });
});
