import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { PermanentError, TransientError } from '@spillway/contracts';
import { parse } from 'ipaddr.js';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { STANDARD_ERRORS } from '../protocols/failure';
import { addressOf, specialKind } from './addresses';
import { AllowList } from './allow-list';

/** What carries a tenant's calls, and says where they may go. */
export interface EgressGate {
  /** Makes the connections of HTTP and WebSocket; each is checked when it is made. */
  dispatcher: Dispatcher;
  /**
   * The address to connect to, for what makes its own connections. Connecting to the name again would ask again, and
   * could be told something else.
   *
   * @throws PermanentError `egress-refused`; TransientError `call-failed` when the name is not known
   */
  addressOf(host: string, port: number): Promise<string>;
}

export interface EgressSettings {
  /** `off`: every address may be called. */
  mode: 'strict' | 'off';
  allow: readonly string[];
  /** How names become addresses; by default as the system does it. */
  lookup?: LookupFunction;
}

const AGENT = { connections: 64, pipelining: 1, keepAliveTimeout: 10_000 };
/** Tenants with a list of their own, whose connections are kept apart. */
const MOST_GATES = 500;
const MOST_CONNECTORS = 1_000;

/**
 * Where calls to addresses that tenants gave may go: to the public internet, and to what an operator allows. Names are
 * checked by what they lead to at the moment a connection is made, so that a name cannot be public when it is looked at
 * and private when it is used (DNS rebinding), and a redirect is a connection like any other.
 */
export class Egress {
  private readonly allow: AllowList;
  private readonly gates = new Map<string, Gate>();

  /** @throws PermanentError `egress-allow-invalid` */
  constructor(private readonly settings: EgressSettings) {
    this.allow = AllowList.parse(settings.allow);
  }

  /** @param own what an operator allows this tenant beyond everybody. @throws PermanentError `egress-allow-invalid` */
  gate(own: readonly string[] = []): EgressGate {
    const key = own.join(',');
    const known = this.gates.get(key);
    if (known) return known;
    if (this.gates.size >= MOST_GATES) this.forgetOldest();
    const allow = own.length > 0 ? this.allow.plus(AllowList.parse(own)) : this.allow;
    const gate = new Gate(this.settings.mode === 'off' ? undefined : allow, this.settings.lookup ?? systemLookup);
    this.gates.set(key, gate);
    return gate;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.gates.values()].map(({ dispatcher }) => dispatcher.close()));
    this.gates.clear();
  }

  private forgetOldest(): void {
    const [key, gate] = this.gates.entries().next().value!;
    this.gates.delete(key);
    void gate.dispatcher.close();
  }
}

class Gate implements EgressGate {
  readonly dispatcher: Agent;
  /** By port, as what is allowed may depend on it. */
  private readonly connectors = new Map<number, buildConnector.connector>();

  /** @param allow undefined: everything */
  constructor(
    private readonly allow: AllowList | undefined,
    private readonly lookup: LookupFunction,
  ) {
    this.dispatcher = new Agent({ ...AGENT, connect: (options, callback) => this.connect(options, callback) });
  }

  async addressOf(host: string, port: number): Promise<string> {
    this.checkLiteral(host, port);
    const bare = host.replace(/^\[(.*)\]$/s, '$1');
    // In one spelling, so that nothing reads it otherwise.
    if (addressOf(bare)) return parse(bare).toString();
    return new Promise((resolve, reject) => {
      this.checkedLookup(port)(bare, { all: false }, (error, address) => {
        if (!error) resolve(address as string);
        else if (error instanceof PermanentError) reject(error);
        else
          reject(new TransientError(`${host} is not known: ${error.message}`, { code: 'call-failed', cause: error }));
      });
    });
  }

  private connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    const port = Number(options.port || (options.protocol === 'https:' ? 443 : 80));
    try {
      // Addresses are connected to without being looked up.
      this.checkLiteral(options.hostname, port);
    } catch (refused) {
      callback(refused as Error, null);
      return;
    }
    this.connector(port)(options, callback);
  }

  private connector(port: number): buildConnector.connector {
    const known = this.connectors.get(port);
    if (known) return known;
    if (this.connectors.size >= MOST_CONNECTORS) this.connectors.clear();
    const made = buildConnector({ lookup: this.checkedLookup(port) });
    this.connectors.set(port, made);
    return made;
  }

  /** Refused when any of a name's addresses is: which of them is taken is not ours to say. */
  private checkedLookup(port: number): LookupFunction {
    return (host, options, callback) => {
      this.lookup(host, options, (error, addresses, family) => {
        if (error || !this.allow || this.allow.allowsHost(host, port)) return callback(error, addresses, family);
        const found = Array.isArray(addresses) ? addresses.map(({ address }) => address) : [addresses];
        for (const one of found) {
          const kind = this.refusedKind(one, port);
          if (kind) return callback(refusal(host, `leads to a ${kind} address`), addresses, family);
        }
        callback(null, addresses, family);
      });
    };
  }

  private checkLiteral(host: string, port: number): void {
    if (!addressOf(host)) return;
    const kind = this.refusedKind(host, port);
    if (kind) throw refusal(host, `is a ${kind} address`);
  }

  private refusedKind(text: string, port: number): string | undefined {
    if (!this.allow) return undefined;
    const address = addressOf(text);
    if (!address) return 'unreadable';
    const kind = specialKind(address);
    return kind && !this.allow.allowsAddress(address, port) ? kind : undefined;
  }
}

function refusal(host: string, why: string): PermanentError {
  const message = `calls to ${host} are refused: it ${why}`;
  return new PermanentError(message, {
    code: 'egress-refused',
    remedy:
      'Call a public address; an operator can allow this one with EGRESS_ALLOW, or for one tenant in its document.',
    details: { ...STANDARD_ERRORS.authorization, title: 'egress-refused', detail: message },
  });
}
