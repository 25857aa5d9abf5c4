import type { IncomingMessage } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import type { WebSocket, WebSocketServer } from 'ws';

/** A real MQTT 3.1.1 broker (`aedes`). */
export class MqttBroker {
  readonly published: { topic: string; payload: string; qos: number; retain: boolean }[] = [];
  readonly topics: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly broker: { close(done: () => void): void; publish(packet: never, done: () => void): void },
  ) {}

  /** @param login what clients have to bring, if anything */
  static async start(login?: { username: string; password: string }): Promise<MqttBroker> {
    const { Aedes } = await import('aedes');
    const broker = await Aedes.createBroker({
      authenticate: (_, username, password, done) =>
        done(null, !login || (username === login.username && password?.toString() === login.password)),
    });
    const server = createServer((socket) => broker.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new MqttBroker(server, address.port, broker);
    server.on('connection', (socket) => self.sockets.add(socket));
    broker.on('publish', ({ topic, payload, qos, retain }, client) => {
      if (client) self.published.push({ topic, payload: payload.toString(), qos, retain });
    });
    broker.on('subscribe', (subscriptions) => self.topics.push(...subscriptions.map(({ topic }) => topic)));
    return self;
  }

  async publish(topic: string, payload: string | Buffer): Promise<void> {
    const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as never;
    await new Promise<void>((resolve) => this.broker.publish(packet, resolve));
  }

  /** Breaks every connection. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.broker.close(resolve));
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A real WebSocket server (`ws`) that keeps what it is told. */
export class SocketServer {
  readonly received: { path: string; text: string; headers: IncomingMessage['headers'] }[] = [];

  private constructor(
    private readonly server: Pick<WebSocketServer, 'clients' | 'close'>,
    readonly port: number,
  ) {}

  /** @param greet is called for each connection */
  static async start(greet: (socket: WebSocket, request: IncomingMessage) => void = () => undefined) {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise<void>((resolve) => server.once('listening', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new SocketServer(server, address.port);
    server.on('connection', (socket, request) => {
      const { url: path = '', headers } = request;
      socket.on('message', (data: Buffer) => self.received.push({ path, text: data.toString(), headers }));
      greet(socket, request);
    });
    return self;
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
