import { allEndpoints, type Endpoint, Sessions, Users } from '@spillway/operations';
import type { EventRecord } from '@spillway/persistence';
import { API_KEY, eventually, ThirdParty } from '@spillway/testing';
import { request } from 'undici';
import { post, type Stack, TENANT } from './stack';

/** What a call of an endpoint takes. */
export interface EndpointCall {
  /** Below `/api/v1`, with its query. */
  path: string;
  body?: unknown;
  /** Only for people: to be made with a session. */
  person?: boolean;
}

const PASSWORD = 'a password for the walk';

/**
 * A tenant in which there is something to every endpoint, with a secret in all payloads. For tests that walk all
 * endpoints; one that is missing in {@link calls} fails them.
 */
export class EndpointWorld {
  /** In every payload, as a value and as a name, and nowhere else. */
  static readonly secret = 'pa55word-of-+4915112345678';
  private made = 0;
  private other!: ThirdParty;

  /** All that the operations API answers. */
  readonly endpoints: Endpoint[];

  private constructor(readonly stack: Stack) {
    const { platform } = stack;
    const { db } = platform.database;
    const people = { users: new Users(db), sessions: new Sessions(db, platform.config.admin.session) };
    this.endpoints = allEndpoints(platform, { ...people, ingressUrl: () => stack.ingress });
  }

  static async build(stack: Stack): Promise<EndpointWorld> {
    const world = new EndpointWorld(stack);
    await world.configure();
    return world;
  }

  close(): Promise<void> {
    return this.other.close();
  }

  /** Something that can be called for each endpoint, by method and path; each makes what it needs anew. */
  readonly calls: Record<string, () => Promise<EndpointCall>> = {
    'GET /events': async () => ({ path: `/events?tenant=${TENANT}` }),
    'GET /events/{id}': async () => ({ path: `/events/${await this.event('order.plain')}` }),
    'POST /events/{id}/replay': async () => ({ path: `/events/${await this.recorded()}/replay`, body: {} }),
    'GET /queues': async () => ({ path: '/queues' }),
    'GET /queues/{queue}': async () => ({ path: '/queues/ingress-events' }),
    'POST /queues/{queue}/pause': async () => ({ path: '/queues/integration-tasks/pause', body: {} }),
    'POST /queues/{queue}/resume': async () => ({ path: '/queues/integration-tasks/resume', body: {} }),
    'GET /jobs': async () => (await this.job(), { path: '/jobs?queue=ingress-events' }),
    'GET /jobs/{queue}/{id}': async () => ({ path: `/jobs/ingress-events/${await this.job()}` }),
    'POST /jobs/{queue}/{id}/cancel': async () => ({
      path: `/jobs/ingress-events/${await this.job()}/cancel`,
      body: {},
    }),
    'GET /lanes': async () => (await this.parked(), { path: '/lanes' }),
    'GET /lanes/{queue}/{tenant}': async () => (await this.parked(), { path: `/lanes/notifications/${TENANT}` }),
    'POST /lanes/{queue}/{tenant}/skip': async () => ({
      path: `/lanes/notifications/${TENANT}/skip`,
      body: { key: await this.parked() },
    }),
    'POST /lanes/{queue}/{tenant}/resume': async () => ({
      path: `/lanes/notifications/${TENANT}/resume`,
      body: { key: await this.parked() },
    }),
    'GET /dead-letters': async () => (await this.deadLetter(), { path: '/dead-letters' }),
    'GET /dead-letters/{queue}/{id}': async () => ({
      path: `/dead-letters/integration-tasks/${await this.deadLetter()}`,
    }),
    'POST /dead-letters/redrive': async () => {
      const ids = [await this.deadLetter()];
      return { path: '/dead-letters/redrive', body: { queue: 'integration-tasks', tenant: TENANT, ids } };
    },
    'DELETE /dead-letters/{queue}/{id}': async () => ({
      path: `/dead-letters/integration-tasks/${await this.deadLetter()}`,
    }),
    'GET /runs': async () => (await this.approval(), { path: '/runs' }),
    'GET /runs/{id}': async () => ({ path: `/runs/${await this.run('order.raise', 'faulted')}` }),
    'GET /runs/{id}/graph': async () => ({ path: `/runs/${(await this.approval()).runId}/graph` }),
    'GET /approvals': async () => (await this.approval(), { path: '/approvals' }),
    'POST /runs/{id}/approvals/{node}': async () => {
      const { runId, node } = await this.approval();
      return { path: `/runs/${runId}/approvals/${node}`, body: { approved: true } };
    },
    ...Object.fromEntries(
      ['cancel', 'suspend', 'resume'].map((order) => [
        `POST /runs/{id}/${order}`,
        async () => ({ path: `/runs/${(await this.approval()).runId}/${order}`, body: {} }),
      ]),
    ),
    'POST /runs/{id}/retry': async () => ({
      path: `/runs/${await this.run('order.raise', 'faulted')}/retry`,
      body: {},
    }),
    'POST /runs/{id}/restart': async () => ({
      path: `/runs/${await this.run('order.raise', 'faulted')}/restart`,
      body: { from: '/do/1/fail' },
    }),
    'GET /quotas': async () => ({ path: '/quotas' }),
    'GET /parked': async () => ({ path: '/parked' }),
    'POST /parked/release': async () => ({ path: '/parked/release', body: { tenant: TENANT } }),
    'POST /parked/drop': async () => ({ path: '/parked/drop', body: { tenant: TENANT } }),
    'GET /limits': async () => ({ path: '/limits' }),
    'POST /limits/{tenant}/{adapter}/reset': async () => ({ path: `/limits/${TENANT}/crm/reset`, body: {} }),
    'POST /flows/{name}/replay': async () => ({
      path: '/flows/raise/replay',
      body: {
        tenant: TENANT,
        runs: [await this.run('order.raise', 'faulted')],
        definition: { do: [{ keep: { set: { kept: '${ .data }' } } }] },
      },
    }),
    'GET /quarantine': async () => (await this.quarantined(), { path: '/quarantine' }),
    'GET /quarantine/{id}': async () => ({ path: `/quarantine/${await this.quarantined()}` }),
    'POST /quarantine/{id}/release': async () => ({
      path: `/quarantine/${await this.quarantined()}/release`,
      body: {},
    }),
    'POST /quarantine/release': async () => {
      await this.quarantined();
      return { path: '/quarantine/release', body: { tenant: TENANT, source: 'github' } };
    },
    'DELETE /quarantine/{id}': async () => ({ path: `/quarantine/${await this.quarantined()}` }),
    'POST /apply': async () => ({ path: '/apply', body: { documents: [this.document()] } }),
    'GET /resources': async () => ({ path: '/resources' }),
    'GET /tenants': async () => ({ path: '/tenants' }),
    'GET /sources': async () => ({ path: '/sources' }),
    'DELETE /resources/{kind}/{tenant}/{name}': async () => {
      const document = this.document();
      await this.stack.client.post('/apply', { documents: [document] });
      return { path: `/resources/Route/${TENANT}/${document.metadata.name}` };
    },
    'POST /sources/{tenant}/{source}/samples': async () => ({ path: `/sources/${TENANT}/github/samples`, body: {} }),
    'GET /audit': async () => ({ path: '/audit' }),
    'GET /audit/export': async () => ({ path: '/audit/export' }),
    'GET /audit/verify': async () => ({ path: '/audit/verify' }),
    'GET /usage': async () => ({ path: '/usage' }),
    'GET /encryption': async () => ({ path: '/encryption' }),
    'POST /encryption/rotate-master': async () => ({ path: '/encryption/rotate-master', body: {} }),
    'POST /encryption/{tenant}/rotate': async () => ({ path: `/encryption/${TENANT}/rotate`, body: {} }),
    // Of a tenant that nobody needs.
    'POST /tenants/{tenant}/shred': async () => {
      const tenant = this.name();
      return { path: `/tenants/${tenant}/shred`, body: { confirm: tenant } };
    },
    'GET /keys': async () => ({ path: '/keys' }),
    'POST /keys': async () => ({ path: '/keys', body: { name: this.name(), tenant: TENANT, scopes: ['events:read'] } }),
    'POST /keys/{id}/rotate': async () => ({ path: `/keys/${await this.key()}/rotate`, body: {} }),
    'DELETE /keys/{id}': async () => ({ path: `/keys/${await this.key()}` }),
    'GET /users': async () => ({ path: '/users' }),
    'PUT /users/{name}': async () => ({
      path: `/users/${this.name()}`,
      body: { password: PASSWORD, role: 'viewer', tenant: TENANT },
    }),
    'DELETE /users/{name}': async () => ({ path: `/users/${await this.user()}` }),
    'PUT /users/{name}/roles/{tenant}': async () => ({
      path: `/users/${await this.user()}/roles/${TENANT}`,
      body: { role: 'viewer' },
    }),
    'DELETE /users/{name}/roles/{tenant}': async () => ({ path: `/users/${await this.user()}/roles/${TENANT}` }),
    'GET /users/{name}/sessions': async () => ({ path: `/users/${await this.user()}/sessions` }),
    'DELETE /users/{name}/sessions': async () => ({ path: `/users/${await this.user()}/sessions` }),
    'GET /me': async () => ({ path: '/me' }),
    'POST /me/password': async () => ({
      path: '/me/password',
      body: { current: PASSWORD, next: PASSWORD },
      person: true,
    }),
    'GET /me/sessions': async () => ({ path: '/me/sessions', person: true }),
    'DELETE /me/sessions/{id}': async () => ({
      path: '/me/sessions/00000000-0000-7000-8000-000000000000',
      person: true,
    }),
  };

  /** A user with these roles, logged in. @returns the cookie */
  async person(role: 'viewer' | 'operator' | 'admin', tenant?: string): Promise<string> {
    const name = this.name();
    await this.stack.client.put(`/users/${name}`, { password: PASSWORD, role, ...(tenant && { tenant }) });
    return this.login(name, PASSWORD);
  }

  async login(name: string, password: string): Promise<string> {
    const form = new URLSearchParams({ name, password }).toString();
    const answer = await post(`${this.stack.admin}/login`, form, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    if (answer.status !== 303) throw new Error(`${answer.status}: ${answer.body}`);
    return String(answer.headers['set-cookie']).split(';')[0]!;
  }

  /** @param who headers that say it */
  async call(method: string, { path, body }: EndpointCall, who: Record<string, string>) {
    const response = await request(`${this.stack.admin}/api/v1${path}`, {
      method: method as 'GET',
      headers: { ...who, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
  }

  private async configure(): Promise<void> {
    this.other = await ThirdParty.start();
    this.other.answer = () => ({ status: 400, body: EndpointWorld.secret });
    const route = (type: string, to: unknown) => ({
      kind: 'Route',
      name: type.replaceAll('.', '-'),
      spec: { match: { types: [type] }, to },
    });
    await this.stack.configure(
      route('order.plain', { notify: { channel: 'log', message: 'fine' } }),
      route('order.bad', { http: { url: `${this.other.url}/bad`, body: '${ .data }' } }),
      route('order.ask', { flow: 'ask' }),
      route('order.raise', { flow: 'raise' }),
      {
        kind: 'Flow',
        name: 'ask',
        spec: {
          do: [
            {
              ask: {
                call: 'spillway.approval',
                with: { title: '${ .data.secret }', details: '${ { id, data } }' },
              },
            },
          ],
        },
      },
      {
        kind: 'Flow',
        name: 'raise',
        spec: {
          do: [
            { keep: { set: { kept: '${ .data }' }, export: { as: '{ kept: . }' } } },
            {
              fail: {
                raise: {
                  error: {
                    type: 'https://example.com/no',
                    status: 400,
                    title: '${ .kept.secret }',
                    detail: '${ .kept.secret }',
                  },
                },
              },
            },
          ],
        },
      },
    );
  }

  private name(): string {
    this.made += 1;
    return `walk-${this.made}`;
  }

  private document() {
    return {
      apiVersion: 'spillway/v1',
      kind: 'Route',
      metadata: { name: this.name(), tenant: TENANT },
      spec: { match: { types: ['nothing'] }, to: { notify: { channel: 'log', message: 'x' } } },
    };
  }

  /** Accepted, with the secret wherever a sender can put one. */
  private async event(type: string, delay?: string): Promise<string> {
    const { secret } = EndpointWorld;
    const body = { type, subject: secret, data: { secret, deep: [{ secret }], [secret]: 1, n: this.name() }, delay };
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const answer = await post(`${this.stack.ingress}/v1/events`, JSON.stringify({ ...body, tenant: TENANT }), headers);
    if (answer.status !== 202) throw new Error(answer.body);
    return answer.json<{ id: string }>().id;
  }

  /** One that the ledger knows. */
  private async recorded(): Promise<string> {
    const id = await this.event('order.nobody');
    await eventually(async () => (await this.stack.platform.events.find(id)) !== undefined, { what: 'the event' });
    return id;
  }

  /** A job that waits. */
  private job(): Promise<string> {
    return this.event('order.plain', '1h');
  }

  /** An ordering key that waits for an operator. */
  private async parked(): Promise<string> {
    const parking = { job: 'gone', at: Date.now(), code: 'http-422', message: EndpointWorld.secret };
    await this.stack.platform.queues.lanes.ofTenant('notifications', TENANT).park(TENANT, 'api/k', parking);
    return 'api/k';
  }

  private async deadLetter(): Promise<string> {
    const id = await this.event('order.bad');
    return eventually(
      async () => {
        for await (const letter of this.stack.platform.deadLetters.matching('integration-tasks', {}, 1_000)) {
          if (letter.eventId === id) return letter.job.id;
        }
        return undefined;
      },
      { what: 'the dead letter' },
    );
  }

  private async run(type: string, status: string): Promise<string> {
    const id = await this.event(type);
    return eventually(
      async () => {
        const run = (await this.stack.client.get<EventRecord>(`/events/${id}`)).runs[0];
        return run?.state === status ? run.id : undefined;
      },
      { what: `a run that is ${status}` },
    );
  }

  private async approval(): Promise<{ runId: string; node: number }> {
    const id = await this.event('order.ask');
    return eventually(
      async () =>
        (await this.stack.platform.callbacks.waiting({ limit: 500 })).find(
          (one) => one.details !== null && JSON.stringify(one.details).includes(id),
        ),
      { what: 'the question' },
    );
  }

  private async quarantined(): Promise<string> {
    const { secret } = EndpointWorld;
    const { url, headers } = this.stack.signed('github');
    const answer = await post(
      `${url}?token=${encodeURIComponent(secret)}`,
      JSON.stringify({ secret, n: this.name() }),
      {
        ...headers,
        'x-secret': secret,
      },
    );
    if (answer.status !== 401 && answer.status !== 403) throw new Error(`${answer.status}: ${answer.body}`);
    const { requests } = await this.stack.client.get<{ requests: { id: string }[] }>('/quarantine', { state: 'held' });
    return requests[0]!.id;
  }

  private async key(): Promise<string> {
    const body = { name: this.name(), tenant: TENANT, scopes: ['events:read'] };
    return (await this.stack.client.post<{ id: string }>('/keys', body)).id;
  }

  private async user(): Promise<string> {
    const name = this.name();
    await this.stack.client.put(`/users/${name}`, { password: PASSWORD, role: 'viewer', tenant: TENANT });
    return name;
  }
}
