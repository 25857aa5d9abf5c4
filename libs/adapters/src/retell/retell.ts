import { PermanentError } from '@spillway/contracts';
import type { Retell as RetellTypes } from 'retell-sdk';
import { z } from 'zod';
import { type Adapter, type AdapterContext, baseUrl, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Dialect, Transport } from '../transport';

const options = z.strictObject({
  apiKey: secretName('RETELL_API_KEY'),
  /** The number that calls when a task names none. */
  from: z.string().min(1).optional(),
  /** The agent that speaks when a task names none; left out, the one bound to the number. */
  agent: z.string().min(1).optional(),
  baseUrl,
});
type Options = z.infer<typeof options>;

export const retell: Adapter<Options> = {
  name: 'retell',
  title: 'Retell AI',
  options,
  // Retell publishes how many calls may be ongoing (20 by default, https://docs.retellai.com/deploy/concurrency) but no
  // rate of requests. So: 429 obeyed; a tenant may set a `limit` of its own.
  limits: [],
  capabilities: {
    'voice.createCall': serves('voice.createCall', {
      idempotent: { by: 'lookup', of: 'a call with the key in its metadata' },
      call: createCall,
    }),
    'voice.getCall': serves('voice.getCall', { idempotent: { by: 'nature' }, call: getCall }),
  },
};

/** Where the key travels in the metadata of a call. */
const KEY = 'spillway_key';

async function createCall(
  { to, from, agent, variables, metadata }: ArgumentsOf<'voice.createCall'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'voice.createCall'>> {
  const { client, transport } = await connect(context);
  const caller = from ?? context.options.from;
  if (!caller) {
    throw new PermanentError('the call names no number to call from and the adapter has none', {
      code: 'sender-missing',
      remedy: 'Give "from" in the task or in the options of the adapter.',
    });
  }
  const call = await transport.run(
    async () =>
      (await earlier(client, context)) ??
      client.call.createPhoneCall({
        from_number: caller,
        to_number: to,
        override_agent_id: agent ?? context.options.agent,
        retell_llm_dynamic_variables: variables,
        metadata: { ...metadata, [KEY]: context.idempotencyKey },
      }),
  );
  return { id: call.call_id, status: STATUS[call.call_status] };
}

async function getCall(
  { id }: ArgumentsOf<'voice.getCall'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'voice.getCall'>> {
  const { client, transport } = await connect(context);
  const call = await transport.run(() => client.call.retrieve(id));
  return {
    id: call.call_id,
    status: STATUS[call.call_status],
    startedAt: timeOf(call.start_timestamp),
    endedAt: timeOf(call.end_timestamp),
    reason: call.disconnection_reason ?? undefined,
    transcript: call.transcript || undefined,
    recordingUrl: call.recording_url || undefined,
    summary: call.call_analysis?.call_summary || undefined,
  };
}

type Client = Awaited<ReturnType<typeof connect>>['client'];

/** Retell takes no idempotency key; a call that an earlier attempt made is found by its metadata. */
async function earlier(client: Client, { unsureSince, idempotencyKey }: AdapterContext<Options>) {
  if (!unsureSince) return undefined;
  const { items } = await client.call.list({
    filter_criteria: { metadata: [{ key: KEY, type: 'string', op: 'eq', value: idempotencyKey }] },
    limit: 1,
    sort_order: 'descending',
  });
  return items[0];
}

/** https://docs.retellai.com/api-references/get-call */
const STATUS: Record<RetellTypes.PhoneCallResponse['call_status'], ResultOf<'voice.getCall'>['status']> = {
  registered: 'queued',
  ongoing: 'ongoing',
  ended: 'ended',
  not_connected: 'failed',
  error: 'failed',
};

/** Milliseconds since 1970, or nothing. */
function timeOf(timestamp: number | undefined): string | undefined {
  return timestamp === undefined ? undefined : new Date(timestamp).toISOString();
}

async function connect(context: AdapterContext<Options>) {
  const transport = new Transport(context, dialect);
  const apiKey = secretOf(context, context.options.apiKey);
  // Loaded when it is used: most processes do without.
  const { default: Retell } = await import('retell-sdk');
  const client = new Retell({
    apiKey,
    // Else it takes them from the environment of the process.
    baseURL: 'https://api.retellai.com',
    logLevel: 'off',
    fetch: transport.fetch,
    // The queue tries again.
    maxRetries: 0,
  });
  return { client, transport };
}

const dialect: Dialect = {
  name: 'Retell',
  explain: ({ message }) => (typeof message === 'string' ? message : undefined),
};
