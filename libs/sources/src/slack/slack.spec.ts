import { createHmac } from 'node:crypto';
import { verifySlackRequest } from '@slack/bolt';
import { inbound } from '../testing/inbound';
import { slack } from './slack';

const settings = { secrets: ['s1gning'], options: slack.options.parse({}) };
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_795_200_000_000;
const sample = slack.sample('app_mention', '1');
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const command = 'command=%2Fdeploy&text=now+please&channel_id=C1&trigger_id=13.37';

/** Slack's own recipe: the SDK only verifies. */
function signed(body: string, headers: Record<string, string> = {}, receivedAt = now) {
  const mac = createHmac('sha256', 's1gning')
    .update(`v0:${now / 1_000}:${body}`)
    .digest('hex');
  const both = { 'x-slack-request-timestamp': String(now / 1_000), 'x-slack-signature': `v0=${mac}` };
  return inbound({ body, headers: { ...headers, ...both }, receivedAt });
}

it('accepts JSON and forms, under the old secret of a rotation too', () => {
  expect(slack.verify(signed(sample.body), settings, io)).toEqual({ ok: true });
  expect(slack.verify(signed(command, FORM), { ...settings, secrets: ['new', 's1gning'] }, io)).toEqual({ ok: true });
});

it('signs what the official SDK accepts', () => {
  const keys = { secrets: ['s1gning'] };
  const made = slack.sign(sample, { url: 'https://x.example', keys, options: settings.options, now });
  const headers = {
    'x-slack-signature': made.headers['x-slack-signature']!,
    'x-slack-request-timestamp': Number(made.headers['x-slack-request-timestamp']),
  };
  const check = { signingSecret: 's1gning', body: made.body, headers, nowMilliseconds: now };
  expect(() => verifySlackRequest(check)).not.toThrow();
  expect(() => verifySlackRequest({ ...check, body: `${made.body} ` })).toThrow('mismatch');
});

it.each([
  [300_000, true],
  [-300_000, true],
  [301_000, false],
  [-301_000, false],
])('%d ms off: accepted is %s', (offset, ok) => {
  expect(slack.verify(signed(sample.body, {}, now + offset), settings, io)).toMatchObject(
    ok ? { ok } : { code: 'timestamp-outside-window' },
  );
});

it.each([
  [{ 'x-slack-signature': undefined }, 'signature-missing'],
  [{ 'x-slack-request-timestamp': undefined }, 'signature-missing'],
  [{ 'x-slack-signature': ['v0=00', 'v0=00'] }, 'signature-malformed'],
  [{ 'x-slack-signature': `v1=${'0'.repeat(64)}` }, 'signature-malformed'],
  [{ 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 'signature-mismatch'],
])('refuses %j', (changed, code) => {
  const request = signed(sample.body);
  expect(slack.verify({ ...request, headers: { ...request.headers, ...changed } }, settings, io)).toMatchObject({
    ok: false,
    code,
  });
});

it('answers the challenge of a set-up, and nothing else', () => {
  const reply = slack.handshake!(inbound({ body: '{"type":"url_verification","challenge":"c1"}' }), settings);
  expect(reply).toMatchObject({ status: 200, body: '{"challenge":"c1"}' });
  expect(slack.handshake!(inbound({ body: sample.body }), settings)).toBeUndefined();
  expect(slack.handshake!(inbound({ body: command, headers: FORM }), settings)).toBeUndefined();
  expect(() => slack.handshake!(inbound({ body: '{"type":"url_verification"}' }), settings)).toThrow('challenge');
});

it('reads events, commands and interactions', () => {
  const read = (body: string, headers = {}) => slack.normalize(inbound({ body, headers }), settings)[0];
  expect(read(sample.body)).toMatchObject({
    type: 'app_mention',
    subject: 'C1',
    dedupeKey: 'Ev1',
    time: new Date(now).toISOString(),
  });
  expect(read(sample.body)!.orderingKey).toBeUndefined();
  expect(read(command, FORM)).toMatchObject({ type: 'command.deploy', data: { text: 'now please' } });
  const payload = new URLSearchParams({ payload: '{"type":"block_actions","trigger_id":"t1"}' }).toString();
  expect(read(payload, FORM)).toMatchObject({ type: 'interaction.block_actions', dedupeKey: 't1' });
});

it('shows nobody our JSON: forms get an empty 200, events the usual answer', () => {
  expect(slack.reply!(inbound({ body: command, headers: FORM }), settings)).toEqual({ status: 200, body: '' });
  expect(slack.reply!(inbound({ body: sample.body }), settings)).toBeUndefined();
});

it('refuses events of another app', () => {
  const strict = { ...settings, options: slack.options.parse({ appId: 'A2' }) };
  expect(() => slack.normalize(inbound({ body: sample.body }), strict)).toThrow('A2');
});

it.each(['', 'null', '[]', '"x"', '1', '{}', '{"event":[]}'])('refuses the body %s', (garbage) => {
  expect(() => slack.normalize(inbound({ body: garbage }), settings)).toThrow(/the body/);
});

it.each(['', 'a=1', 'payload=', 'payload=null', 'payload=[]', 'payload={}'])('refuses the form %s', (garbage) => {
  expect(() => slack.normalize(inbound({ body: garbage, headers: FORM }), settings)).toThrow(/payload/);
});
