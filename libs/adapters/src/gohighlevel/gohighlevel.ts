import { RateLimitedError, type SpillwayError } from '@spillway/contracts';
import { z } from 'zod';
import { type Adapter, type AdapterContext, baseUrl, capability, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Answer, type Dialect, Transport } from '../transport';

const options = z.strictObject({
  /** A private integration token of the location, or its OAuth access token. */
  token: secretName('GOHIGHLEVEL_TOKEN'),
  locationId: z.string().min(1),
  /** Where contacts are said to come from. */
  source: z.string().min(1).optional(),
  baseUrl,
});
type Options = z.infer<typeof options>;

const addArguments = z.strictObject({ contact: z.string().min(1), workflow: z.string().min(1) });

/**
 * Over plain HTTP: the official client (@gohighlevel/api-client 3.1) fixes its base URL, brings a MongoDB driver into
 * every worker, and asks for new tokens by itself.
 */
export const gohighlevel: Adapter<Options> = {
  name: 'gohighlevel',
  title: 'GoHighLevel',
  options,
  // https://marketplace.gohighlevel.com/docs/other/rate-limits: 100 in 10 s for each location; 200,000 a day.
  // 20 and 10 s of 8 are 100.
  limits: [{ name: 'location', perSecond: 8, burst: 20 }],
  capabilities: {
    'crm.upsertContact': serves('crm.upsertContact', { idempotent: { by: 'nature' }, call: upsertContact }),
    'sms.send': serves('sms.send', {
      idempotent: { by: 'lookup', of: 'a message to the same contact with the same text since the earlier attempt' },
      call: sendSms,
    }),
    'gohighlevel.addToWorkflow': capability({
      title: 'Put a contact into a workflow',
      arguments: addArguments,
      result: undefined,
      idempotent: { by: 'none', because: 'a workflow may let a contact in again' },
      call: addToWorkflow,
    }),
  },
};

/** Both are the ones documented for these calls; GoHighLevel refuses a call without. */
const CONTACTS = '2021-07-28';
const CONVERSATIONS = '2021-04-15';
/** The clocks of two systems differ a little. */
const CLOCK_SKEW_MS = 5_000;

async function upsertContact(
  { tags, customFields, ...contact }: ArgumentsOf<'crm.upsertContact'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'crm.upsertContact'>> {
  const call = connect(context);
  const fields = Object.entries(customFields ?? {}).map(([key, value]) => ({ key, field_value: value }));
  const answer = await upsert(call, context.options, { ...contact, ...(customFields && { customFields: fields }) });
  // With the upsert they would replace the contact's tags.
  if (tags?.length) await call('POST', `/contacts/${encodeURIComponent(answer.id)}/tags`, CONTACTS, { tags });
  return answer;
}

async function sendSms(
  { to, from, body }: ArgumentsOf<'sms.send'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'sms.send'>> {
  const call = connect(context);
  // Messages go to contacts, not to numbers.
  const { id: contactId } = await upsert(call, context.options, { phone: to });
  const before = await earlier(call, contactId, body, context);
  if (before) return { id: before, status: 'queued' };
  const message = { type: 'SMS', contactId, message: body, toNumber: to, fromNumber: from };
  const answer = await call('POST', '/conversations/messages', CONVERSATIONS, message);
  return { id: sentSchema.parse(answer).messageId, status: 'queued' };
}

async function addToWorkflow(
  { contact, workflow }: z.infer<typeof addArguments>,
  context: AdapterContext<Options>,
): Promise<void> {
  const path = `/contacts/${encodeURIComponent(contact)}/workflow/${encodeURIComponent(workflow)}`;
  await connect(context)('POST', path, CONTACTS, {});
}

type Call = (method: string, path: string, version: string, body?: unknown) => Promise<unknown>;

const upsertedSchema = z.object({ new: z.boolean().default(false), contact: z.object({ id: z.string() }) });
const sentSchema = z.object({ messageId: z.string() });
const foundSchema = z.object({ conversations: z.array(z.object({ id: z.string() })) });
const messagesSchema = z.object({
  messages: z.object({
    messages: z.array(
      z.object({
        id: z.string(),
        body: z.string().optional(),
        direction: z.string().optional(),
        dateAdded: z.string(),
      }),
    ),
  }),
});

async function upsert(call: Call, { locationId, source }: Options, contact: Record<string, unknown>) {
  const answer = await call('POST', '/contacts/upsert', CONTACTS, { locationId, source, ...contact });
  const { new: created, contact: found } = upsertedSchema.parse(answer);
  return { id: found.id, created };
}

/** GoHighLevel takes no idempotency key for messages; see twilio.ts for what this can mistake. */
async function earlier(
  call: Call,
  contactId: string,
  text: string,
  { unsureSince, options: { locationId } }: AdapterContext<Options>,
): Promise<string | undefined> {
  if (!unsureSince) return undefined;
  const since = unsureSince.getTime() - CLOCK_SKEW_MS;
  const query = new URLSearchParams({ locationId, contactId }).toString();
  const { conversations } = foundSchema.parse(await call('GET', `/conversations/search?${query}`, CONVERSATIONS));
  for (const { id } of conversations) {
    const path = `/conversations/${encodeURIComponent(id)}/messages`;
    const { messages } = messagesSchema.parse(await call('GET', path, CONVERSATIONS)).messages;
    const same = messages.find(
      (it) => it.direction === 'outbound' && it.body === text && Date.parse(it.dateAdded) >= since,
    );
    if (same) return same.id;
  }
  return undefined;
}

function connect(context: AdapterContext<Options>): Call {
  const transport = new Transport(context, dialect);
  const authorization = `Bearer ${secretOf(context, context.options.token)}`;
  return (method, path, version, body) =>
    transport.json(method, `https://services.leadconnectorhq.com${path}`, {
      headers: { authorization, version },
      body,
    });
}

const HOUR_MS = 3_600_000;

const dialect: Dialect = {
  name: 'GoHighLevel',
  explain: ({ message, error }) =>
    [message ?? error]
      .flat()
      .filter((it) => typeof it === 'string')
      .join('; '),
  /** A 429 without `Retry-After` says in its headers which limit it was: 10 seconds, or the day. */
  classify({ status, headers }: Answer, message: string): SpillwayError | undefined {
    if (status !== 429 || headers['retry-after'] !== undefined) return undefined;
    const daily = headers['x-ratelimit-daily-remaining'] === '0';
    const interval = Number(headers['x-ratelimit-interval-milliseconds'] ?? 10_000);
    const retryAfterMs = daily ? HOUR_MS : Math.min(Number.isFinite(interval) ? interval : 10_000, HOUR_MS);
    return new RateLimitedError(message, { code: daily ? 'daily-limit' : 'rate-limited', retryAfterMs });
  },
};
