import { FakeTwilio } from '@spillway/testing';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { twilio } from './twilio';

let fake: FakeTwilio;
beforeEach(async () => (fake = await new FakeTwilio().listen()));
afterEach(() => fake.close());

const sms = (): Promised => ({
  adapter: twilio,
  fake: () => fake,
  secrets: { TWILIO_AUTH_TOKEN: fake.authToken },
  options: { accountSid: fake.accountSid, from: '+14155550100' },
  capability: 'sms.send',
  parameters: { to: '+14155550123', body: 'Your table is ready' },
  refused: { to: '+15005550001', body: 'Your table is ready' },
  refusal: /21211: Invalid 'To'/,
});
const own = (options: Record<string, unknown>) => ({ baseUrl: fake.url, accountSid: fake.accountSid, ...options });

describe('a text message by Twilio', () => {
  keepsTheCommonPromises(sms);

  it('is sent', async () => {
    expect(await callOf(sms())).toEqual({ id: expect.stringMatching(/^SM\d{32}$/) as string, status: 'queued' });
    expect(fake.messages).toMatchObject([{ to: '+14155550123', from: '+14155550100', body: 'Your table is ready' }]);
  });

  it('is not sent again when an earlier attempt got through', async () => {
    const unsureSince = new Date();
    const first = await callOf(sms());
    expect(await callOf(sms(), { unsureSince })).toEqual(first);
    expect(fake.messages).toHaveLength(1);
  });

  it('is sent when the earlier attempt did not get through', async () => {
    await callOf(sms(), { parameters: { to: '+14155550123', body: 'Another text' } });
    await callOf(sms(), { unsureSince: new Date() });
    expect(fake.messages).toHaveLength(2);
  });

  it('is sent when the same text was sent long before', async () => {
    await callOf(sms());
    fake.messages[0]!.date_created = new Date(Date.now() - 60_000).toUTCString();
    await callOf(sms(), { unsureSince: new Date() });
    expect(fake.messages).toHaveLength(2);
  });

  it('is sent by the messaging service, or by the sender of the task', async () => {
    const options = own({ messagingServiceSid: 'MG1' });
    await callOf(sms(), { options });
    expect(fake.asked.at(-1)?.text).toContain('MessagingServiceSid=MG1');
    await callOf(sms(), { options, parameters: { to: '+14155550123', from: '+14155550777', body: 'x' } });
    expect(fake.messages[0]?.from).toBe('+14155550777');
  });

  it('ends for good without a sender', async () => {
    expect(await errorOf(callOf(sms(), { options: own({}) }))).toMatchObject({ code: 'sender-missing' });
  });

  it('refuses two senders in the options', async () => {
    const options = own({ from: '+14155550100', messagingServiceSid: 'MG1' });
    expect(await errorOf(callOf(sms(), { options }))).toMatchObject({ code: 'options-invalid' });
  });
});

describe('a lookup by Twilio', () => {
  const lookup = (): Promised => ({
    ...sms(),
    capability: 'twilio.lookupNumber',
    parameters: { number: '+14155550123', line: true },
  });

  it('tells what a number is', async () => {
    expect(await callOf(lookup())).toEqual({
      number: '+14155550123',
      valid: true,
      country: 'US',
      nationalFormat: '(415) 555-0123',
      lineType: 'mobile',
      carrier: 'Fake Mobile',
    });
  });

  it('tells that a number is none', async () => {
    expect(await callOf(lookup(), { parameters: { number: '12' } })).toEqual({ number: '12', valid: false });
  });
});
