import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns';
import type { LookupFunction } from 'node:net';

const IPV4 = 1;

/** A real DNS server on a free port of this machine (RFC 1035, UDP, A records); each name has a list of answers. */
export class DnsServer {
  readonly asked: string[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly names: Record<string, string[][]>,
  ) {}

  /** @param names for each name, what it is told in turn; the last answer stays */
  static async start(names: Record<string, string[][]>): Promise<DnsServer> {
    const socket = createSocket('udp4');
    const self = new DnsServer(socket, names);
    socket.on('message', (message, from) => socket.send(self.answer(message), from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return self;
  }

  /** Names asked of this server, as `net.connect` and undici want to ask. */
  get lookup(): LookupFunction {
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([`127.0.0.1:${this.socket.address().port}`]);
    return (host, options, callback) => {
      resolver.resolve4(host, (error, addresses) => {
        if (error) return callback(error, '', 4);
        if (options.all)
          callback(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          );
        else callback(null, addresses[0]!, 4);
      });
    };
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }

  private answer(query: Buffer): Buffer {
    const { name, end } = questionOf(query);
    this.asked.push(name);
    const turns = this.names[name];
    const addresses = (turns && turns.length > 1 ? turns.shift() : turns?.[0]) ?? [];
    const header = Buffer.from(query.subarray(0, 12));
    // A response with recursion available; 3 says that there is no such name.
    header.writeUInt16BE(0x8180 | (turns ? 0 : 3), 2);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, query.subarray(12, end), ...addresses.map(record)]);
  }
}

function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 };
}

/** An A record of the name that was asked for, which nobody may keep. */
function record(address: string): Buffer {
  const fixed = Buffer.from([0xc0, 12, 0, IPV4, 0, 1, 0, 0, 0, 0, 0, 4]);
  return Buffer.concat([fixed, Buffer.from(address.split('.').map(Number))]);
}
