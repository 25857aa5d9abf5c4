import { z } from 'zod';
import { parseObject, requiredText, text, timeOf } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import {
  anySecret,
  checkWindow,
  fromHex,
  hmac,
  refuse,
  sameBytes,
  sameText,
  signatureHeader,
} from '../primitives/signature';
import type { InboundRequest, Provider, SourceSettings, Verdict } from '../provider';

const options = z.strictObject({
  authentication: z.enum(['secret', 'bearer', 'hmac']).default('secret').describe('As the credential in Vapi says.'),
  signatureHeader: z.string().toLowerCase().default('x-signature'),
  timestampHeader: z.string().toLowerCase().default('x-timestamp'),
  payloadFormat: z.string().includes('{body}').default('{timestamp}.{body}'),
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
  orgId: z.string().optional().describe('Only messages of this organization (`message.call.orgId`).'),
  replies: z
    .record(z.string(), z.json())
    .default({})
    .describe('Answers by message type: `assistant-request` and `tool-calls` want one within 7.5 s.'),
});
type Options = z.infer<typeof options>;

/** @see https://docs.vapi.ai/server-url/server-authentication */
export const vapi: Provider<Options> = {
  name: 'vapi',
  title: 'Vapi',
  options,
  contentTypes: ['application/json'],

  verify(request, settings) {
    const verdict =
      settings.options.authentication === 'hmac' ? verifyHmac(request, settings) : verifyWord(request, settings);
    const { orgId } = settings.options;
    // Read only after the check: until then anybody could have written it.
    if (!verdict.ok || !orgId) return verdict;
    return text(parseObject(request), 'message', 'call', 'orgId') === orgId
      ? verdict
      : refuse('account-mismatch', `the organization is not ${orgId}`);
  },

  normalize(request) {
    const body = parseObject(request);
    const message = body['message'];
    const type = requiredText(body, 'message', 'type');
    const call = text(message, 'call', 'id');
    // A status may come again in a call (speech starts and stops): its time tells them apart.
    const marks = [text(message, 'status'), text(message, 'timestamp')].filter((one) => one !== undefined);
    return [
      {
        type,
        subject: call,
        time: timeOf(text(message, 'timestamp'), 'ms'),
        dedupeKey: call && marks.length > 0 ? [type, call, ...marks].join(' ') : undefined,
        orderingKey: call,
        data: body,
      },
    ];
  },

  reply(request, { options: { replies } }) {
    const type = requiredText(parseObject(request), 'message', 'type');
    if (!Object.hasOwn(replies, type)) return undefined;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(replies[type]) };
  },

  demoKeys: () => ({ secrets: ['vapi-demo-server-secret-0123456789'] }),
  sampleTypes: ['status-update', 'end-of-call-report'],
  sample: (type, seed) =>
    jsonSample(type, {
      message: {
        type,
        timestamp: 1_795_200_000_000,
        ...(type === 'status-update'
          ? { status: 'ended' }
          : { endedReason: 'customer-ended-call', summary: 'A sample.' }),
        call: { id: `call_${seed}`, orgId: 'org_1' },
      },
    }),
  sign(sample, { url, keys, options: settings, now }) {
    const secret = keys.secrets[0] ?? '';
    return { url, headers: headersFor(settings, secret, sample.body, now), body: sample.body };
  },
};

function headersFor(settings: Options, secret: string, body: string, now: number): Record<string, string> {
  if (settings.authentication === 'bearer') return { authorization: `Bearer ${secret}` };
  if (settings.authentication === 'secret') return { 'x-vapi-secret': secret };
  const time = String(Math.floor(now / 1_000));
  const signature = hmac('sha256', secret, ...signedParts(settings, time, Buffer.from(body))).toString('hex');
  return { [settings.timestampHeader]: time, [settings.signatureHeader]: signature };
}

function verifyWord(request: InboundRequest, { secrets, options: settings }: SourceSettings<Options>): Verdict {
  const bearer = settings.authentication === 'bearer';
  const header = signatureHeader(request, bearer ? 'authorization' : 'x-vapi-secret');
  if (typeof header !== 'string') return header;
  return anySecret(secrets, (secret) => sameText(bearer ? `Bearer ${secret}` : secret, header));
}

function verifyHmac(request: InboundRequest, { secrets, options: settings }: SourceSettings<Options>): Verdict {
  const header = signatureHeader(request, settings.signatureHeader);
  if (typeof header !== 'string') return header;
  const time = signatureHeader(request, settings.timestampHeader);
  if (typeof time !== 'string') return time;
  const signature = fromHex(header, 32);
  if (!signature) return refuse('signature-malformed', `${settings.signatureHeader} is not hexadecimal`);
  const window = checkWindow(time, time.length > 11 ? 'ms' : 's', request, settings.toleranceSeconds);
  if (!window.ok) return window;
  return anySecret(secrets, (secret) =>
    sameBytes(hmac('sha256', secret, ...signedParts(settings, time, request.rawBody)), signature),
  );
}

/** The body stays bytes. */
function signedParts({ payloadFormat }: Options, time: string, body: Buffer): (string | Buffer)[] {
  return payloadFormat
    .split(/(\{body\}|\{timestamp\})/)
    .map((part) => (part === '{body}' ? body : part === '{timestamp}' ? time : part));
}
