import { z } from 'zod';
import { isObject, parseObject, requiredText, text, timeOf } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { anySecret, checkWindow, fromHex, hmac, refuse, sameBytes, signatureHeader } from '../primitives/signature';
import type { Provider, Reply } from '../provider';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
  inboundReply: z
    .record(z.string(), z.json())
    .optional()
    .describe('Answer to the inbound-call webhook: what belongs under `call_inbound`.'),
});
const HEADER = 'x-retell-signature';

/**
 * Signed with the API key over body and time, nothing between them.
 * @see https://docs.retellai.com/features/secure-webhook
 */
export const retell: Provider<z.infer<typeof options>> = {
  name: 'retell',
  title: 'Retell AI',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { toleranceSeconds } }) {
    const header = signatureHeader(request, HEADER);
    if (typeof header !== 'string') return header;
    const [, time, hex] = /^v=(\d{1,16}),d=([0-9a-f]{64})$/.exec(header) ?? [];
    const signature = hex && fromHex(hex, 32);
    if (!time || !signature) return refuse('signature-malformed', `${HEADER} is not v=<milliseconds>,d=<hex>`);
    const window = checkWindow(time, 'ms', request, toleranceSeconds);
    if (!window.ok) return window;
    return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, request.rawBody, time), signature));
  },

  normalize(request) {
    const body = parseObject(request);
    const call = isObject(body['chat']) ? body['chat'] : body['call'];
    const subject = text(call, 'call_id') ?? text(call, 'chat_id') ?? text(body, 'call_inbound', 'from_number');
    // A custom function has a name and arguments where an event has a type.
    const functionName = text(body, 'event') === undefined ? text(body, 'name') : undefined;
    const type = functionName ? `function.${functionName}` : requiredText(body, 'event');
    return [
      {
        type,
        subject,
        time: timeOf(isObject(call) ? (call['end_timestamp'] ?? call['start_timestamp']) : undefined, 'ms'),
        dedupeKey: functionName ? undefined : dedupeKeyOf(type, subject, text(call, 'start_timestamp')),
        orderingKey: subject,
        data: body,
      },
    ];
  },

  reply(request, { options: { inboundReply } }): Reply | undefined {
    const body = parseObject(request);
    if (text(body, 'event') !== 'call_inbound' || !inboundReply) return undefined;
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ call_inbound: inboundReply }),
    };
  },

  demoKeys: () => ({ secrets: ['key_demo_retell_0123456789abcdef'] }),
  sampleTypes: ['call_started', 'call_ended', 'call_analyzed'],
  sample: (type, seed) =>
    jsonSample(type, {
      event: type,
      call: {
        call_id: `call_${seed}`,
        agent_id: 'agent_demo',
        direction: 'inbound',
        from_number: '+15550100',
        to_number: '+15550101',
        start_timestamp: 1_795_200_000_000,
        ...(type !== 'call_started' && { end_timestamp: 1_795_200_061_000, disconnection_reason: 'user_hangup' }),
        ...(type === 'call_analyzed' && {
          call_analysis: { call_summary: 'Wants a table for two.', user_sentiment: 'Positive' },
        }),
      },
    }),
  sign: (sample, { url, keys, now }) => ({
    url,
    headers: {
      [HEADER]: `v=${now},d=${hmac('sha256', keys.secrets[0] ?? '', sample.body, String(now)).toString('hex')}`,
    },
    body: sample.body,
  }),
};

/** Transcripts repeat by design, so only their bodies tell them apart; a transfer happens more than once in a call. */
function dedupeKeyOf(type: string, subject: string | undefined, started: string | undefined): string | undefined {
  if (!subject || type === 'transcript_updated' || type === 'call_inbound') return undefined;
  return type.startsWith('transfer_') ? `${type} ${subject} ${started}` : `${type} ${subject}`;
}
