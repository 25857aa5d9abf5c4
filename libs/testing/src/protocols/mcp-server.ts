import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js' with { 'resolution-mode': 'import' };
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js' with {
  'resolution-mode': 'import',
};
import { z } from 'zod';

/** A real MCP server of the official SDK over Streamable HTTP, with sessions, tools, prompts and resources. */
export class McpTestServer {
  /** Requests as they came: the HTTP method, the JSON-RPC method and the headers. */
  readonly requests: { http: string; method?: string; params?: unknown; headers: IncomingMessage['headers'] }[] = [];
  /** Set, only requests with this Authorization header are served. */
  authorization?: string;
  /** Set, POST requests are answered with this status. */
  outage?: number;
  private readonly sessions = new Map<string, StreamableHTTPServerTransport>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly json: boolean,
  ) {}

  /** @param json answers as JSON where the default is a stream of events */
  static async start({ json = false } = {}): Promise<McpTestServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new McpTestServer(server, `http://127.0.0.1:${address.port}/mcp`, json);
    server.on('request', (request, response) => void self.serve(request, response));
    return self;
  }

  get openSessions(): number {
    return this.sessions.size;
  }

  async close(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.close()));
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const body = text ? (JSON.parse(text) as { method?: string; params?: unknown }) : undefined;
    const { method: http = '', headers } = request;
    this.requests.push({ http, method: body?.method, params: body?.params, headers });
    if (this.outage && http === 'POST') return void response.writeHead(this.outage).end('out of order');
    if (this.authorization && headers.authorization !== this.authorization) {
      return void response.writeHead(401).end(`not ${headers.authorization}`);
    }
    const session = this.sessions.get(String(headers['mcp-session-id']));
    const transport = session ?? (await this.open());
    await transport.handleRequest(request, response, body);
  }

  private async open(): Promise<StreamableHTTPServerTransport> {
    const { StreamableHTTPServerTransport } = await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: this.json,
      onsessioninitialized: (id) => void this.sessions.set(id, transport),
      onsessionclosed: (id) => void this.sessions.delete(id),
    });
    await (await serverWithEverything()).connect(transport);
    return transport;
  }
}

async function serverWithEverything(): Promise<McpServer> {
  const { McpServer, ResourceTemplate } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const server = new McpServer({ name: 'shop', version: '1.0.0' });
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
  server.registerTool('echo', { inputSchema: { words: z.string() } }, ({ words }) => text(words));
  server.registerTool('fail', {}, () => ({ ...text('the shelf is empty'), isError: true }));
  server.registerTool('large', {}, () => text('x'.repeat(2_000_000)));
  server.registerTool('slow', {}, async () => {
    await wait(30_000, undefined, { ref: false });
    return text('at last');
  });
  server.registerPrompt('greet', { argsSchema: { name: z.string() } }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }],
  }));
  server.registerResource('note', 'note://one', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'a note' }] }));
  const template = new ResourceTemplate('pet://{id}', { list: undefined });
  server.registerResource('pet', template, {}, (uri, { id }) => ({
    contents: [{ uri: uri.href, text: `pet ${String(id)}` }],
  }));
  return server;
}
