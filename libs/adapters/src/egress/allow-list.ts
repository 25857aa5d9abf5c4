import { PermanentError } from '@spillway/contracts';
import { isValid, parseCIDR } from 'ipaddr.js';
import { type Address, addressOf } from './addresses';

interface Entry {
  /** Undefined: any. */
  port?: number;
  /** In lower case; `.example.com` for `*.example.com`. */
  host?: string;
  cidr?: [Address, number];
}

/** What may be called though it is not of the public internet. */
export class AllowList {
  private constructor(private readonly entries: readonly Entry[]) {}

  /**
   * Reads `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`, `host.example`, `*.svc.example`, each with an optional port (`[fd00::1]:443`).
   *
   * @throws PermanentError `egress-allow-invalid`
   */
  static parse(entries: readonly string[]): AllowList {
    return new AllowList(entries.map(readEntry));
  }

  /** An operator trusts a name, wherever it leads. */
  allowsHost(host: string, port: number): boolean {
    const name = host.toLowerCase().replace(/\.$/, '');
    return this.entries.some(
      (entry) => fits(entry, port) && (entry.host?.startsWith('.') ? name.endsWith(entry.host) : entry.host === name),
    );
  }

  allowsAddress(address: Address, port: number): boolean {
    return this.entries.some(
      (entry) =>
        fits(entry, port) &&
        entry.cidr?.[0].kind() === address.kind() &&
        (address as never as Matching).match(entry.cidr),
    );
  }

  plus(more: AllowList): AllowList {
    return new AllowList([...this.entries, ...more.entries]);
  }
}

interface Matching {
  match(cidr: [Address, number]): boolean;
}

function fits({ port }: Entry, asked: number): boolean {
  return port === undefined || port === asked;
}

const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;

function readEntry(text: string): Entry {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^[\]]*?))(?::(\d{1,5}))?$/.exec(text) ?? [];
  // More than one colon without brackets is IPv6, not a port.
  const six = plain !== undefined && text.split(':').length > 2;
  const what = bracketed ?? (six ? text : plain) ?? '';
  const port = six || digits === undefined ? undefined : Number(digits);
  if (port === undefined || (port > 0 && port < 65_536)) {
    const cidr = cidrOf(what);
    if (cidr) return { port, cidr };
    if (bracketed === undefined && !what.includes('/') && HOST.test(what) && !addressOf(what)) {
      return { port, host: what.toLowerCase().replace(/^\*/, '') };
    }
  }
  throw new PermanentError(
    `"${text.slice(0, 100)}" is not an address, a range or a host that calls may be allowed to`,
    {
      code: 'egress-allow-invalid',
      remedy: 'Write 10.0.0.0/8, host.example:443, *.svc.example or [fd00::1]:443.',
    },
  );
}

function cidrOf(text: string): [Address, number] | undefined {
  try {
    if (text.includes('/')) return parseCIDR(text);
  } catch {
    return undefined;
  }
  const address = isValid(text) ? addressOf(text) : undefined;
  return address && [address, address.kind() === 'ipv4' ? 32 : 128];
}
