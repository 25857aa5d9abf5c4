import { PermanentError } from '@spillway/contracts';
import { z } from 'zod';
import { type Adapter, type AdapterContext, baseUrl, capability, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Dialect, Transport } from '../transport';
import { twilioClient } from './twilio-client';

const options = z
  .strictObject({
    accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'must be an account SID: AC and 32 hexadecimal digits'),
    authToken: secretName('TWILIO_AUTH_TOKEN'),
    /** With an API key instead of the account's token: its SID; `authToken` then names the key's secret. */
    apiKeySid: z.string().startsWith('SK').optional(),
    /** The sender when a message names none. */
    from: z.string().min(1).optional(),
    messagingServiceSid: z.string().startsWith('MG').optional(),
    baseUrl,
  })
  .refine((it) => !(it.from && it.messagingServiceSid), { message: 'has either "from" or "messagingServiceSid"' });
type Options = z.infer<typeof options>;

const lookupArguments = z.strictObject({ number: z.string().min(1), line: z.boolean().default(false) });
const lookupResult = z.strictObject({
  number: z.string(),
  valid: z.boolean(),
  country: z.string().optional(),
  nationalFormat: z.string().optional(),
  lineType: z.string().optional(),
  carrier: z.string().optional(),
});

export const twilio: Adapter<Options> = {
  name: 'twilio',
  title: 'Twilio',
  options,
  // Twilio publishes no rate for its REST API but limits calls at the same time (https://www.twilio.com/docs/api/errors/20429);
  // messages beyond a sender's rate it queues itself. So: the bulkhead, and 429 obeyed.
  limits: [],
  capabilities: {
    'sms.send': serves('sms.send', {
      idempotent: { by: 'lookup', of: 'a message to the same number with the same text since the earlier attempt' },
      call: send,
    }),
    'twilio.lookupNumber': capability({
      title: 'Ask whether a phone number is valid, and of what kind',
      arguments: lookupArguments,
      result: lookupResult,
      idempotent: { by: 'nature' },
      call: lookupNumber,
    }),
  },
};

async function send(
  { to, from, body }: ArgumentsOf<'sms.send'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'sms.send'>> {
  const { client, transport } = await connect(context);
  const sender = senderOf(from, context.options);
  const message = await transport.run(
    async () =>
      (await earlier(client, { to, from: sender.from, body }, context)) ??
      client.messages.create({ to, body, ...sender }),
  );
  return { id: message.sid, status: STATUS[message.status] ?? 'queued' };
}

async function lookupNumber(
  { number, line }: z.infer<typeof lookupArguments>,
  context: AdapterContext<Options>,
): Promise<z.infer<typeof lookupResult>> {
  const { client, transport } = await connect(context);
  const found = await transport.run(() =>
    client.lookups.v2.phoneNumbers(number).fetch(line ? { fields: 'line_type_intelligence' } : {}),
  );
  const kind = found.lineTypeIntelligence;
  return {
    number: found.phoneNumber,
    valid: found.valid,
    country: found.countryCode ?? undefined,
    nationalFormat: found.nationalFormat ?? undefined,
    lineType: kind?.type ?? undefined,
    carrier: kind?.carrierName ?? undefined,
  };
}

/** The clocks of two systems differ a little, and Twilio's times have no milliseconds. */
const CLOCK_SKEW_MS = 5_000;

/**
 * Twilio takes no idempotency key for messages. Where an earlier attempt may have got through, its message is looked
 * for; the same text sent to the same number on purpose in the seconds between counts as that message.
 */
async function earlier(
  client: Awaited<ReturnType<typeof twilioClient>>,
  { to, from, body }: { to: string; from?: string; body: string },
  { unsureSince }: AdapterContext<Options>,
) {
  if (!unsureSince) return undefined;
  const messages = await client.messages.list({ to, limit: 50, pageSize: 50 });
  return messages.find(
    (message) =>
      message.body === body &&
      message.direction === 'outbound-api' &&
      (from === undefined || message.from === from) &&
      message.dateCreated.getTime() >= unsureSince.getTime() - CLOCK_SKEW_MS,
  );
}

/** @throws PermanentError `sender-missing` */
function senderOf(from: string | undefined, { from: usual, messagingServiceSid }: Options) {
  if (from) return { from };
  if (messagingServiceSid) return { messagingServiceSid };
  if (usual) return { from: usual };
  throw new PermanentError('the message names no sender and the adapter has none', {
    code: 'sender-missing',
    remedy: 'Give "from" in the task, or "from" or "messagingServiceSid" in the options of the adapter.',
  });
}

/** https://www.twilio.com/docs/messaging/api/message-resource#message-status-values */
const STATUS: Record<string, ResultOf<'sms.send'>['status']> = {
  accepted: 'queued',
  scheduled: 'queued',
  queued: 'queued',
  sending: 'queued',
  sent: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};

async function connect(context: AdapterContext<Options>) {
  const { accountSid, apiKeySid, authToken } = context.options;
  const transport = new Transport(context, dialect);
  const password = secretOf(context, authToken);
  const client = await twilioClient({ username: apiKeySid ?? accountSid, password, accountSid }, transport.fetch);
  return { client, transport };
}

const dialect: Dialect = {
  name: 'Twilio',
  explain: ({ code, message }) => [code, message].filter(Boolean).join(': '),
};
