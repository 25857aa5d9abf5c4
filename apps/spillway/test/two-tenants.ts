import { API_VERSION, resourceSchema } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { hmacProvider } from '@spillway/sources';
import { type Call, eventually, ThirdParty } from '@spillway/testing';
import { Client } from '../src/client';
import { type Answer, post, type Stack } from './stack';

/** A tenant whose names, payloads and secrets are in nothing but its own. */
export interface Tenant {
  /** Its name, and in the name of all that it has. */
  name: string;
  /** In all that it sends. */
  payload: string;
  /** In each of its secrets. */
  secret: string;
  /** Its API key. */
  token: string;
}

export const NORTH = tenant('north-6f1d', 'pa1load-n9Q', 's3cret-n2W');
export const SOUTH = tenant('south-b83c', 'pa1load-s4K', 's3cret-s7X');
const BOTH: readonly Tenant[] = [NORTH, SOUTH];

export const otherOf = (one: Tenant): Tenant => (one === NORTH ? SOUTH : NORTH);

function tenant(name: string, payload: string, secret: string): Tenant {
  return { name, payload, secret, token: `spw_${secret}_0123456789` };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Two tenants that have done something of everything: what ended well, failed, waits, was refused or put aside. */
export class TwoTenants {
  /** Accepted, by tenant. */
  readonly events = new Map<Tenant, string[]>(BOTH.map((one) => [one, []]));
  /** The question of a run of each. */
  readonly questions = new Map<Tenant, { runId: string; node: number }>();

  private constructor(
    readonly stack: Stack,
    private readonly other: ThirdParty,
  ) {}

  static async build(stack: Stack): Promise<TwoTenants> {
    const world = new TwoTenants(stack, await ThirdParty.start());
    world.other.answer = answerOf;
    await stack.client.post('/apply', { documents: BOTH.flatMap((one) => world.documents(one)) });
    await Promise.all(BOTH.map((one) => world.work(one)));
    return world;
  }

  close(): Promise<void> {
    return this.other.close();
  }

  client(one: Tenant): Client {
    return new Client(this.stack.admin, one.token);
  }

  /** `POST /v1/events` with its key. */
  send(one: Tenant, body: object | string, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const key = { authorization: `Bearer ${one.token}` };
    return post(`${this.stack.ingress}/v1/events`, text, { ...JSON_TYPE, ...key, ...headers });
  }

  /** A webhook at `at`, signed with the secret of `one`. */
  hook(one: Tenant, at: Tenant, body: string): Promise<Answer> {
    const url = `${this.stack.ingress}/v1/in/${at.name}/${at.name}-hook?token=${one.secret}`;
    const sample = { type: 'x', contentType: 'application/json', body };
    const options = hmacProvider.options.parse({});
    const { headers } = hmacProvider.sign(sample, { url, keys: { secrets: [one.secret] }, options, now: Date.now() });
    return post(url, body, { ...JSON_TYPE, 'x-marker': one.payload, ...headers });
  }

  /** A batch of CloudEvents at `at`, with the secret of `one`. */
  batch(one: Tenant, at: Tenant, events: object[] | string): Promise<Answer> {
    const body = typeof events === 'string' ? events : JSON.stringify(events);
    return post(`${this.stack.ingress}/v1/in/${at.name}/${at.name}-cloud`, body, {
      'content-type': 'application/cloudevents-batch+json',
      authorization: `Bearer ${one.secret}`,
    });
  }

  /** Until the ledger has what was told before. */
  async settled(one: Tenant): Promise<void> {
    const ids = accepted(await this.send(one, { type: 'nobody', data: Math.random() }));
    this.events.get(one)!.push(...ids);
    await this.inState(ids[0]!, 'unrouted');
  }

  inState(id: string, ...states: string[]): Promise<EventRecord> {
    return eventually(
      async () => {
        const record = await this.stack.client.get<EventRecord>(`/events/${id}`);
        return states.includes(record.state) ? record : undefined;
      },
      { what: `${states.join(' or ')} of ${id}` },
    );
  }

  private async work(one: Tenant): Promise<void> {
    const { payload, secret, name } = one;
    const data = { note: payload, [payload]: 1 };
    const told = (type: string, more: object = {}) => this.send(one, { type, subject: payload, data, ...more });
    const ended = [
      await told('go', { id: 'same', correlationId: payload }),
      await told('bad'),
      await told('run'),
      await this.hook(one, one, JSON.stringify({ ...data, n: 1 })),
      await this.batch(
        one,
        one,
        [1, 2].map((n) => cloudEvent(`${payload}-${n}`, data)),
      ),
    ].flatMap(accepted);
    const waiting = [
      await told('later'),
      await told('ask'),
      await told('go', { id: 'delayed', delay: '1h' }),
      await told('ordered', { id: 'o1', orderingKey: `${name}-order` }),
      await told('ordered', { id: 'o2', orderingKey: `${name}-order` }),
    ].flatMap(accepted);
    this.events.get(one)!.push(...ended, ...waiting);
    // What is refused: signed with nobody's secret, not JSON, not an event, with a key that was never there.
    const nobody = { ...one, secret: `${secret}-old`, token: `${one.token}-old` };
    for (const { status } of [
      await this.hook(nobody, one, JSON.stringify(data)),
      await this.hook(one, one, `${payload} ${secret}`),
      await this.batch(nobody, one, [cloudEvent(payload, data)]),
      await this.batch(one, one, `${payload} ${secret}`),
      await this.send(one, `${payload} ${secret}`),
      await this.send(one, { type: payload, [payload]: secret }),
      await this.send(nobody, { type: 'go', data }),
    ])
      if (status < 400 || status >= 500) throw new Error(`refused with ${status}`);
    await this.client(nobody)
      .get(`/events?note=${payload}`)
      .catch(() => undefined);
    for (const id of ended) await this.inState(id, 'done', 'dead-letter', 'failed');
    await this.parked(one);
    this.questions.set(one, await this.question(one));
  }

  private parked({ name }: Tenant) {
    return eventually(
      async () => {
        const { keys } = await this.stack.client.get<{ keys: { parked?: object }[] }>(
          `/lanes/integration-tasks/${name}`,
        );
        return keys.some(({ parked }) => parked);
      },
      { what: 'the parked key' },
    );
  }

  private question({ name }: Tenant) {
    return eventually(
      async () => (await this.stack.platform.callbacks.waiting({ limit: 10 })).find((one) => one.tenant === name),
      { what: 'the question' },
    );
  }

  private documents({ name, payload, secret, token }: Tenant) {
    const one = (kind: string, part: string, spec: unknown) =>
      resourceSchema.parse({
        apiVersion: API_VERSION,
        kind,
        metadata: { tenant: name, name: `${name}-${part}` },
        spec,
      });
    const authorization = 'Bearer ${ $secrets.token }';
    const call = (path: string) => ({
      url: `${this.other.url}${path}`,
      headers: { authorization },
      body: '${ .data }',
    });
    const ask = (path: string) => ({
      call: 'http',
      with: { method: 'post', endpoint: `${this.other.url}${path}`, body: '${ . }' },
    });
    const route = (part: string, type: string, to: unknown, where?: string) =>
      one('Route', part, { match: { types: [type], ...(where && { where }) }, to });
    return [
      resourceSchema.parse({
        apiVersion: API_VERSION,
        kind: 'Tenant',
        metadata: { name },
        spec: {
          secrets: {
            token: { value: secret },
            sign: { value: `whsec_${Buffer.from(secret.padEnd(32)).toString('base64')}` },
          },
          ordering: { onExhausted: 'park' },
        },
      }),
      one('ApiKey', 'key', { secret: { value: token }, scopes: ['*'] }),
      one('Source', 'hook', { provider: 'hmac', secrets: [{ value: secret }] }),
      one('Source', 'cloud', { provider: 'cloudevents', secrets: [{ value: secret }] }),
      route('ok', 'go', { http: call('/200') }),
      route('note', 'go', { notify: { channel: 'log', message: 'noted' } }),
      route('callback', 'go', {
        notify: { channel: 'callback', url: `${this.other.url}/200`, secret: 'sign', body: '${ .data }' },
      }),
      route('where', 'go', { notify: { channel: 'log', message: 'x' } }, '.data | tojson | error'),
      route('hook', 'hmac.*', { http: call('/200') }),
      route('cloud', 'cloudevents.*', { http: call('/200') }),
      route('bad', 'bad', { http: call('/400') }),
      route('retried', 'bad', { http: call('/500'), attempts: 2 }),
      route('unsaid', 'bad', { http: { url: `${this.other.url}/200`, body: '${ .data | tojson | error }' } }),
      route('unheard', 'bad', {
        notify: { channel: 'callback', url: `${this.other.url}/400`, secret: 'sign' },
        attempts: 1,
      }),
      route('later', 'later', [
        { http: call('/200'), delay: '1h' },
        { notify: { channel: 'log', message: '${ .data }' }, delay: '1h' },
        { flow: `${name}-ask`, delay: '1h' },
      ]),
      route('ordered', 'ordered', { http: call('/400') }),
      route('run', 'run', [{ flow: `${name}-good` }, { flow: `${name}-faulty` }]),
      route('ask', 'ask', { flow: `${name}-ask` }),
      one('Flow', 'good', { do: [{ one: ask('/200') }, { two: { set: { kept: payload } } }] }),
      one('Flow', 'faulty', { do: [{ one: ask('/400') }] }),
      one('Flow', 'ask', {
        do: [{ ask: { call: 'spillway.approval', with: { title: '${ .data.note }', details: '${ .data }' } } }],
      }),
    ];
  }
}

export function cloudEvent(id: string, data: unknown, more: object = {}) {
  return { specversion: '1.0', id, source: '/x', type: 'made', data, ...more };
}

/** @returns ids of the events */
export function accepted(answer: Answer): string[] {
  if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.body}`);
  const body = answer.json<{ id: string; events?: { id: string }[] }>();
  return (body.events ?? [body]).map(({ id }) => id);
}

/** The other side repeats what it was sent, as some do. */
function answerOf({ path, body, headers }: Call) {
  return { status: Number(path.slice(1)), body: JSON.stringify({ message: `${body} ${headers['authorization']}` }) };
}
