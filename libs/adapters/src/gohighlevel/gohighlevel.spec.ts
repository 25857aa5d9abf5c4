import { FakeGoHighLevel } from '@spillway/testing';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { gohighlevel } from './gohighlevel';

let fake: FakeGoHighLevel;
beforeEach(async () => (fake = await new FakeGoHighLevel().listen()));
afterEach(() => fake.close());

const upsert = (): Promised => ({
  adapter: gohighlevel,
  fake: () => fake,
  secrets: { GOHIGHLEVEL_TOKEN: fake.token },
  options: { locationId: fake.locationId, source: 'spillway' },
  capability: 'crm.upsertContact',
  parameters: {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
    tags: ['vip'],
    customFields: { plan: 'gold', seats: 3 },
  },
  refused: { email: 'ada@example.invalid' },
  refusal: /email must be an email/,
});
const sms = (): Promised => ({
  ...upsert(),
  capability: 'sms.send',
  parameters: { to: '+14155550123', body: 'Your table is ready' },
});

describe('a contact in GoHighLevel', () => {
  keepsTheCommonPromises(upsert);

  it('is created, then found again', async () => {
    expect(await callOf(upsert())).toEqual({ id: 'contact_1', created: true });
    expect(await callOf(upsert())).toEqual({ id: 'contact_1', created: false });
    expect(fake.contacts).toMatchObject([
      {
        email: 'ada@example.com',
        firstName: 'Ada',
        source: 'spillway',
        customFields: [
          { key: 'plan', field_value: 'gold' },
          { key: 'seats', field_value: 3 },
        ],
      },
    ]);
  });

  it('keeps the tags it has', async () => {
    await callOf(upsert());
    await callOf(upsert(), { parameters: { email: 'ada@example.com', tags: ['spoke'] } });
    expect(fake.contacts[0]!.tags).toEqual(['vip', 'spoke']);
  });

  it('ends for good for a location that is not of the token', async () => {
    const error = await errorOf(callOf(upsert(), { options: { baseUrl: fake.url, locationId: 'loc_2' } }));
    expect(error).toMatchObject({ class: 'permanent', code: 'http-403' });
  });

  it('needs an email or a phone number', async () => {
    const error = await errorOf(callOf(upsert(), { parameters: { firstName: 'Ada' } }));
    expect(error.message).toContain('needs "phone" or "email"');
  });

  it('waits for the window that a 429 names in its own headers', async () => {
    const headers = { 'x-ratelimit-interval-milliseconds': '10000', 'x-ratelimit-daily-remaining': '5' };
    fake.failNext({ status: 429, headers, body: fake.errorBody(429) });
    expect(await errorOf(callOf(upsert()))).toMatchObject({ class: 'rate-limited', retryAfterMs: 10_000 });
    fake.failNext({ status: 429, headers: { 'x-ratelimit-daily-remaining': '0' }, body: fake.errorBody(429) });
    expect(await errorOf(callOf(upsert()))).toMatchObject({ code: 'daily-limit', retryAfterMs: 3_600_000 });
  });

  it('is put into a workflow', async () => {
    await callOf(upsert());
    const add = {
      ...upsert(),
      capability: 'gohighlevel.addToWorkflow',
      parameters: { contact: 'contact_1', workflow: 'w1' },
    };
    expect(await callOf(add)).toBeUndefined();
    expect(fake.asked.at(-1)?.path).toBe('/contacts/contact_1/workflow/w1');
  });
});

describe('a text message by GoHighLevel', () => {
  it('is sent to the contact of the number', async () => {
    expect(await callOf(sms())).toEqual({ id: 'message_1', status: 'queued' });
    expect(fake.contacts).toMatchObject([{ phone: '+14155550123' }]);
    expect(fake.messages).toMatchObject([{ contactId: 'contact_1', body: 'Your table is ready' }]);
  });

  it('is not sent again when an earlier attempt got through', async () => {
    const unsureSince = new Date();
    const first = await callOf(sms());
    expect(await callOf(sms(), { unsureSince })).toEqual(first);
    expect(fake.messages).toHaveLength(1);
  });

  it('is sent when the earlier attempt did not get through', async () => {
    await callOf(sms(), { unsureSince: new Date() });
    expect(fake.messages).toHaveLength(1);
  });
});
