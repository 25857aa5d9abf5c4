import { loadConfig } from '@spillway/config';
import { API_VERSION, type Resource, type Role, ROLES, resourceSchema } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import { openPlatform, type Platform } from '@spillway/runtime';
import { providers } from '@spillway/sources';
import { API_KEY, type BackendName, TestServers } from '@spillway/testing';
import { request } from 'undici';
import { Client } from '../src/client';
import { startRoles, type Started, stop } from '../src/commands/start';

export const TENANT = 'acme';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  json<T = Record<string, unknown>>(): T;
}

/** All roles in this process, on real servers of its own. */
export class Stack {
  private constructor(
    readonly servers: TestServers,
    readonly platform: Platform,
    readonly started: Started,
  ) {}

  static async start(
    backend: BackendName,
    extra: Record<string, string> = {},
    roles: readonly Role[] = ROLES,
  ): Promise<Stack> {
    return Stack.on(await TestServers.start(backend), extra, roles);
  }

  /** On servers that are there already, as after a restart. */
  static async on(
    servers: TestServers,
    extra: Record<string, string> = {},
    roles: readonly Role[] = ROLES,
    log?: Log,
  ): Promise<Stack> {
    const platform = await openPlatform(loadConfig(servers.environment(extra)), log);
    return new Stack(servers, platform, await startRoles(platform, roles));
  }

  get ingress(): string {
    return this.started.ingressUrl!;
  }

  get admin(): string {
    return this.started.operations!.url;
  }

  get client(): Client {
    return new Client(this.admin, API_KEY);
  }

  /** Of a command line that talks to it. */
  get environment(): Record<string, string> {
    return { ...this.servers.environment(), SPILLWAY_URL: this.admin, SPILLWAY_API_KEY: API_KEY };
  }

  /** A tenant with a source for each provider, and these resources beside it. */
  async configure(...resources: { kind: string; name: string; spec: unknown }[]): Promise<void> {
    const sources = providers.map((provider) => {
      const keys = provider.demoKeys();
      const spec = {
        provider: provider.name,
        secrets: keys.secrets.map((value) => ({ value })),
        options: keys.options ?? {},
      };
      return { kind: 'Source', name: provider.name, spec };
    });
    const documents = [
      {
        apiVersion: API_VERSION,
        kind: 'Tenant',
        metadata: { name: TENANT },
        spec: { secrets: { token: { value: 't0k3n' } } },
      },
      ...[...sources, ...resources].map(({ kind, name, spec }) => ({
        apiVersion: API_VERSION,
        kind,
        metadata: { tenant: TENANT, name },
        spec,
      })),
    ];
    await this.client.post('/apply', { documents: documents.map((one): Resource => resourceSchema.parse(one)) });
  }

  /** A further secret of the tenant. */
  async setSecret(name: string, value: string): Promise<void> {
    const tenant = {
      apiVersion: API_VERSION,
      kind: 'Tenant',
      metadata: { name: TENANT },
      spec: { secrets: { token: { value: 't0k3n' }, [name]: { value } } },
    };
    await this.client.post('/apply', { documents: [resourceSchema.parse(tenant)] });
  }

  /** A request as the provider would send it. */
  signed(provider: string, type?: string, seed = Math.random().toString(36).slice(2)) {
    const one = providers.find(({ name }) => name === provider)!;
    const keys = one.demoKeys();
    const sample = one.sample(type ?? one.sampleTypes[0]!, seed);
    const url = `${this.ingress}/v1/in/${TENANT}/${provider}`;
    const options = one.options.parse(keys.options ?? {});
    const signed = one.sign(sample, { url, keys, options, now: Date.now() });
    const headers: Record<string, string> = {
      'content-type': sample.contentType,
      ...sample.headers,
      ...signed.headers,
    };
    return { url: signed.url, body: signed.body, headers };
  }

  /** Sends one and gives the event's id. */
  async send(provider: string, type?: string, seed?: string): Promise<string> {
    const { url, ...rest } = this.signed(provider, type, seed);
    const answer = await post(url, rest.body, rest.headers);
    if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.body}`);
    return answer.json<{ id: string }>().id;
  }

  /** Its servers go on. */
  async stop(): Promise<void> {
    await stop(this.platform, this.started);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.servers.close();
  }
}

export async function post(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  method: 'POST' | 'OPTIONS' | 'GET' = 'POST',
): Promise<Answer> {
  const response = await request(url, { method, ...(method === 'POST' && { body }), headers });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, body: text, json: <T>() => JSON.parse(text) as T };
}
