import { z } from 'zod';
import { at, isObject, malformed, parseObject, text, timeOf, type JsonObject } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { anySecret, checkWindow, fromHex, hmac, refuse, sameBytes, signatureHeader } from '../primitives/signature';
import type { InboundRequest, NormalizedEvent, Provider } from '../provider';

const options = z.strictObject({
  toleranceSeconds: z.number().int().positive().default(300).describe('How far the signed time may be off, both ways.'),
  appId: z.string().optional().describe('Only events of this app (`api_app_id`).'),
});
const SIGNATURE = 'x-slack-signature';
const TIME = 'x-slack-request-timestamp';
const FORM = 'application/x-www-form-urlencoded';

/** @see https://docs.slack.dev/authentication/verifying-requests-from-slack */
export const slack: Provider<z.infer<typeof options>> = {
  name: 'slack',
  title: 'Slack',
  options,
  contentTypes: ['application/json', FORM],

  verify(request, { secrets, options: { toleranceSeconds } }) {
    const header = signatureHeader(request, SIGNATURE);
    if (typeof header !== 'string') return header;
    const time = signatureHeader(request, TIME);
    if (typeof time !== 'string') return time;
    const signature = header.startsWith('v0=') ? fromHex(header.slice(3), 32) : undefined;
    if (!signature) return refuse('signature-malformed', `${SIGNATURE} is not v0=<hex>`);
    const window = checkWindow(time, 's', request, toleranceSeconds);
    if (!window.ok) return window;
    return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, `v0:${time}:`, request.rawBody), signature));
  },

  handshake(request) {
    if (request.method !== 'POST' || isForm(request)) return undefined;
    const body = parseObject(request);
    if (text(body, 'type') !== 'url_verification') return undefined;
    const challenge = text(body, 'challenge') ?? malformed('the body has no "challenge"');
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ challenge }) };
  },

  normalize(request, { options: { appId } }) {
    const event = isForm(request) ? ofForm(request) : ofEvent(parseObject(request));
    if (appId && text(event.data, 'api_app_id') !== appId) malformed(`the event is not of the app ${appId}`);
    return [event];
  },

  // Slack shows a person what a command answers: nothing.
  reply: (request) => (isForm(request) ? { status: 200, body: '' } : undefined),

  demoKeys: () => ({ secrets: ['8f742231b10e8888abcd99yyyzzz85a5'] }),
  sampleTypes: ['app_mention', 'message', 'reaction_added'],
  sample: (type, seed) =>
    jsonSample(type, {
      type: 'event_callback',
      team_id: 'T1',
      api_app_id: 'A1',
      event_id: `Ev${seed}`,
      event_time: 1_795_200_000,
      event: { type, user: 'U1', channel: 'C1', text: 'hello', ts: '1795200000.000100' },
    }),
  sign(sample, { url, keys, now }) {
    const time = String(Math.floor(now / 1_000));
    const signature = hmac('sha256', keys.secrets[0] ?? '', `v0:${time}:`, sample.body).toString('hex');
    return { url, headers: { [TIME]: time, [SIGNATURE]: `v0=${signature}` }, body: sample.body };
  },
};

function isForm(request: InboundRequest): boolean {
  return String(request.headers['content-type'] ?? '').startsWith(FORM);
}

function ofEvent(body: JsonObject): NormalizedEvent {
  const id = text(body, 'event_id');
  return {
    type: text(body, 'event', 'type') ?? text(body, 'type') ?? malformed('the body has no "event.type"'),
    subject: text(body, 'event', 'channel') ?? text(body, 'event', 'item', 'channel') ?? text(body, 'team_id'),
    time: timeOf(body['event_time'], 's'),
    providerId: id,
    dedupeKey: id,
    data: body,
  };
}

/** A slash command has its fields in the form; an interaction has JSON in `payload`. */
function ofForm(request: InboundRequest): NormalizedEvent {
  const form = new URLSearchParams(request.rawBody.toString('utf8'));
  const payload = form.get('payload');
  if (payload === null) {
    const command = form.get('command') ?? malformed('the form has neither "payload" nor "command"');
    const data = Object.fromEntries(form);
    return {
      type: `command.${command.replace(/^\//, '')}`,
      subject: form.get('channel_id') ?? undefined,
      dedupeKey: form.get('trigger_id') ?? undefined,
      data,
    };
  }
  let data: unknown;
  try {
    data = JSON.parse(payload);
  } catch {
    return malformed('"payload" is not JSON');
  }
  if (!isObject(data)) return malformed('"payload" is not a JSON object');
  const type = text(data, 'type') ?? malformed('"payload" has no "type"');
  return {
    type: `interaction.${type}`,
    subject: text(at(data, 'channel'), 'id'),
    dedupeKey: text(data, 'trigger_id'),
    data,
  };
}
