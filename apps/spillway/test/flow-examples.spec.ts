import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { API_VERSION, type Resource, resourceSchema } from '@spillway/contracts';
import type { EventRecord, RunRecord } from '@spillway/persistence';
import { providers } from '@spillway/sources';
import { BACKENDS, eventually, FakeGoHighLevel, FakeSlack, FakeTwilio, ThirdParty } from '@spillway/testing';
import { readDocuments } from '../src/documents';
import { post, Stack } from './stack';

const EXAMPLES = join(__dirname, '../../../docs/examples/flows');
const CALLER = '+15550100';
const SOURCES = ['twilio', 'stripe', 'calendly', 'retell', 'standard-webhooks'];

describe.each(BACKENDS)('the examples of flows, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;
  let crm: FakeGoHighLevel;
  let texts: FakeTwilio;
  let chat: FakeSlack;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'spillway-examples-'));
    other = await ThirdParty.start();
    [crm, texts, chat] = await Promise.all([
      new FakeGoHighLevel().listen(),
      new FakeTwilio().listen(),
      new FakeSlack().listen(),
    ]);
    stack = await Stack.start(backend);
    await stack.client.post('/apply', { documents: [...(await documents()), ...SOURCES.map(source)] });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await Promise.all([other, crm, texts, chat].map((server) => server?.close()));
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  beforeEach(() => {
    other.reset();
    texts.messages.length = 0;
  });

  /** The files as they are, but for where the outside systems are. */
  async function documents(): Promise<Resource[]> {
    for (const name of readdirSync(EXAMPLES).filter((one) => one.endsWith('.yaml'))) {
      const text = readFileSync(join(EXAMPLES, name), 'utf8');
      writeFileSync(join(directory, name), text.replaceAll(/https:\/\/(?:rooms|shop|desk)\.example\.com/g, other.url));
    }
    const secrets = {
      GHL_TOKEN: crm.token,
      TWILIO_AUTH_TOKEN: texts.authToken,
      SLACK_BOT_TOKEN: chat.token,
      DESK_SECRET: 'whsec_ZGVtby1jYWxsYmFjay1zZWNyZXQtMDEyMzQ1Njc4OQ==',
      SHOP_TOKEN: 'shop-token',
    };
    const urls: Record<string, string> = { crm: crm.url, texts: texts.url, chat: chat.url };
    return (await readDocuments([directory], secrets)).map(({ resource }) => {
      if (resource.kind !== 'Adapter') return resource;
      const options = { ...(resource.spec['options'] as object), baseUrl: urls[resource.metadata.name] };
      return { ...resource, spec: { ...resource.spec, options } };
    });
  }

  /** Signs and sends what a provider would. @returns the event's id */
  async function send(name: string, body: object, headers: Record<string, string> = {}): Promise<string> {
    const provider = providers.find((one) => one.name === name)!;
    const isForm = name === 'twilio';
    const text = isForm ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body);
    const contentType = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const url = `${stack.ingress}/v1/in/practice/${name}`;
    const keys = provider.demoKeys();
    const sample = { type: '', contentType, headers, body: text };
    const signed = provider.sign(sample, { url, keys, options: provider.options.parse({}), now: Date.now() });
    const answer = await post(signed.url, signed.body, { 'content-type': contentType, ...headers, ...signed.headers });
    if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.body}`);
    // Some want an empty answer, then the event is looked up.
    return eventually(async () => {
      const { events } = await stack.client.get<{ events: EventRecord[] }>('/events', { tenant: 'practice' });
      return events.find(({ subject }) => subject !== null && text.includes(subject))?.id;
    });
  }

  /** The run that an event began, once it is so. The whole record is read at the end only: it may be large. */
  async function runOf(event: string, done: (run: RunRecord) => boolean, withinMs = 15_000): Promise<RunRecord> {
    const what = `the run of ${event}`;
    const query = { eventId: event };
    const { id } = await eventually(
      async () => (await stack.client.get<{ runs: RunRecord[] }>('/runs', query)).runs.find((run) => done(run)),
      { what, withinMs },
    );
    return stack.client.get<RunRecord>(`/runs/${id}`);
  }
  const ended = ({ endedAt }: RunRecord) => endedAt !== null;
  const waits = ({ status }: RunRecord) => status === 'waiting';

  it('a missed call: the caller is a contact, gets a text, and the reply ends the run', async () => {
    const call = { CallSid: 'CA1', CallStatus: 'no-answer', From: CALLER, To: '+15550101' };
    const event = await send('twilio', call);
    await runOf(event, waits);
    expect(crm.contacts.find(({ phone }) => phone === CALLER)).toMatchObject({ tags: ['missed-call'] });
    expect(texts.messages).toMatchObject([{ to: CALLER, from: '+15550101' }]);
    const reply = { MessageStatus: 'received', To: '+15550101' };
    await send('twilio', { ...reply, MessageSid: 'SM1', From: '+15550177', Body: 'somebody else' });
    await send('twilio', { ...reply, MessageSid: 'SM2', From: CALLER, Body: 'Thursday please' });
    expect((await runOf(event, ended)).output).toEqual({ replied: true, text: 'Thursday please' });
    expect(other.calls).toEqual([]);
  }, 60_000);

  it('dunning: the payment stops the reminders', async () => {
    const invoice = {
      id: 'in_1',
      attempt_count: 1,
      customer_phone: CALLER,
      hosted_invoice_url: 'https://pay.example.com/in_1',
    };
    const stripe = (type: string, id: string) => ({
      id,
      object: 'event',
      type,
      created: 1_795_200_000,
      livemode: false,
      data: { object: invoice },
    });
    const event = await send('stripe', stripe('invoice.payment_failed', 'evt_1'));
    await runOf(event, (run) => waits(run) && texts.messages.length === 1);
    expect(texts.messages[0]!.body).toContain('Pay here: https://pay.example.com/in_1');
    await send('stripe', stripe('invoice.paid', 'evt_2'));
    expect(await runOf(event, ended)).toMatchObject({ status: 'completed', output: { outcome: 'paid' } });
  }, 60_000);

  it('an appointment: confirmed, and undone when it is cancelled', async () => {
    other.answer = ({ method }) =>
      method === 'POST' ? { status: 201, body: '{"id":"b1"}' } : { status: 204, body: '' };
    const start = new Date(Date.now() + 5 * 86_400_000).toISOString();
    const payload = {
      uri: 'https://api.calendly.com/scheduled_events/EV1/invitees/1',
      text_reminder_number: '+1 415-555-0100',
      scheduled_event: { start_time: start },
    };
    const calendly = (type: string) => ({ event: type, created_at: '2026-11-20T10:00:00.000000Z', payload });
    const event = await send('calendly', calendly('invitee.created'));
    await runOf(event, waits);
    expect(texts.messages).toMatchObject([
      { to: '+14155550100', body: expect.stringContaining('See you at') as string },
    ]);
    await send('calendly', calendly('invitee.canceled'));
    const run = await runOf(event, ended);
    expect(run).toMatchObject({ status: 'faulted', error: { status: 410, title: 'The invitee cancelled' } });
    expect(other.calls.map(({ method, path, headers }) => [method, path, headers.authorization])).toEqual([
      ['POST', '/bookings', 'Bearer shop-token'],
      ['DELETE', '/bookings/b1', 'Bearer shop-token'],
    ]);
    expect(texts.messages[0]!.body).toContain('is cancelled');
  }, 60_000);

  it('a voice call: its summary is in the CRM and in Slack', async () => {
    const call = {
      call_id: 'call_1',
      direction: 'inbound',
      from_number: '+15550155',
      to_number: '+15550101',
      start_timestamp: 1_795_200_000_000,
      call_analysis: { call_summary: 'Wants a table for two.', user_sentiment: 'Positive' },
    };
    const run = await runOf(await send('retell', { event: 'call_analyzed', call }), ended);
    expect(run).toMatchObject({ status: 'completed', output: { posted: true } });
    expect(crm.contacts.find(({ phone }) => phone === '+15550155')).toMatchObject({
      id: (run.output as { contact: string }).contact,
      customFields: expect.arrayContaining([
        { key: 'last_call_summary', field_value: 'Wants a table for two.' },
      ]) as unknown,
    });
    expect(chat.channels.get('C0000000001')![0]!.text).toBe('+15550155 (Positive): Wants a table for two.');
  }, 60_000);

  it('a fan-out: each of a thousand items once, no more than twenty at a time, failures counted', async () => {
    const items = Array.from({ length: 1_000 }, (_, id) => ({ id, price: id * 2 }));
    other.answer = ({ path }) => {
      if (path === '/items') return { status: 200, body: JSON.stringify({ items }) };
      return path === '/items/500' ? { status: 500 } : undefined;
    };
    const most = { value: 0 };
    const watching = watch(most);
    const body = { type: 'prices.changed', timestamp: '2026-11-20T10:00:00.000Z', data: { id: 'prices-1' } };
    const event = await send('standard-webhooks', body, { 'webhook-id': 'msg_1' });
    const run = await runOf(event, ended, 150_000);
    watching.stop();
    expect(run.output).toEqual({ done: 999, failed: [500] });
    const puts = other.calls.filter(({ method }) => method === 'PUT');
    expect(puts).toHaveLength(1_000);
    expect(new Set(puts.map(({ path }) => path)).size).toBe(1_000);
    expect(JSON.parse(puts.find(({ path }) => path === '/items/7')!.body)).toEqual({ price: 14 });
    expect(most.value).toBeGreaterThan(1);
    expect(most.value).toBeLessThanOrEqual(20);
  }, 180_000);

  /** How many calls of runs are under way: asked for and not answered. */
  function watch(most: { value: number }): { stop(): void } {
    let isOn = true;
    void (async () => {
      while (isOn) {
        const { rows } = await stack.platform.database.pool.query<{ count: string }>(
          'select count(*) from run_commands',
        );
        most.value = Math.max(most.value, Number(rows[0]!.count));
        await wait(20);
      }
    })().catch(() => undefined);
    return { stop: () => void (isOn = false) };
  }
});

function source(name: string): Resource {
  const { secrets } = providers.find((one) => one.name === name)!.demoKeys();
  const spec = { provider: name, secrets: secrets.map((value) => ({ value })) };
  return resourceSchema.parse({
    apiVersion: API_VERSION,
    kind: 'Source',
    metadata: { tenant: 'practice', name },
    spec,
  });
}
