import { FakeSlack } from '@spillway/testing';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { slack } from './slack';

let fake: FakeSlack;
beforeEach(async () => (fake = await new FakeSlack().listen()));
afterEach(() => fake.close());

const channel = 'C0000000001';
const post = (): Promised => ({
  adapter: slack,
  fake: () => fake,
  secrets: { SLACK_BOT_TOKEN: fake.token },
  capability: 'chat.post',
  parameters: { channel, text: 'A refund was made' },
  refused: { channel: 'C9999999999', text: 'A refund was made' },
  refusal: /channel_not_found/,
});
const posted = () => fake.channels.get(channel)!;

describe('a message to Slack', () => {
  keepsTheCommonPromises(post);

  it('is posted, with blocks', async () => {
    const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: '*A refund* was made' } }];
    const parameters = { channel, text: 'A refund was made', blocks };
    expect(await callOf(post(), { parameters })).toEqual({ id: posted()[0]!.ts, channel });
    expect(posted()).toMatchObject([{ text: 'A refund was made', blocks }]);
  });

  it('is not posted again when an earlier attempt got through', async () => {
    const unsureSince = new Date();
    const first = await callOf(post());
    expect(await callOf(post(), { unsureSince })).toEqual(first);
    expect(posted()).toHaveLength(1);
  });

  it('is posted when the earlier message was of another task', async () => {
    const unsureSince = new Date();
    await callOf(post());
    await callOf(post(), { unsureSince, idempotencyKey: 'key-2' });
    expect(posted()).toHaveLength(2);
  });

  it('is posted when the token may not read, and says so', async () => {
    fake.mayRead = false;
    const warnings: string[] = [];
    const log = { debug: () => undefined, warn: (_: unknown, message: string) => void warnings.push(message) };
    await callOf(post(), { unsureSince: new Date(), log });
    expect(posted()).toHaveLength(1);
    expect(warnings.join()).toContain('could not look for an earlier attempt');
  });

  it.each([
    ['internal_error', 'transient', 'slack-internal-error'],
    ['ratelimited', 'rate-limited', 'rate-limited'],
    ['is_archived', 'permanent', 'slack-is-archived'],
  ])('counts %s in a 200 as %s', async (error, expected, code) => {
    fake.failNext({ status: 200, body: { ok: false, error } });
    expect(await errorOf(callOf(post()))).toMatchObject({ class: expected, code });
  });
});
