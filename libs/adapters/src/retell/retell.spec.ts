import { FakeRetell } from '@spillway/testing';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { retell } from './retell';

let fake: FakeRetell;
beforeEach(async () => (fake = await new FakeRetell().listen()));
afterEach(() => fake.close());

const create = (): Promised => ({
  adapter: retell,
  fake: () => fake,
  secrets: { RETELL_API_KEY: fake.key },
  options: { from: fake.number },
  capability: 'voice.createCall',
  parameters: { to: '+14155550123', variables: { name: 'Ada' }, metadata: { order: 7 } },
  refused: { to: '+14155550123', from: '+14155559999' },
  refusal: /not found from phone-number/,
});
const get = (id: string): Promised => ({ ...create(), capability: 'voice.getCall', parameters: { id } });

describe('a call by Retell', () => {
  keepsTheCommonPromises(create);

  it('is made', async () => {
    expect(await callOf(create())).toEqual({ id: 'call_1', status: 'queued' });
    expect(fake.calls).toMatchObject([
      {
        from_number: fake.number,
        to_number: '+14155550123',
        agent_id: 'agent_bound',
        retell_llm_dynamic_variables: { name: 'Ada' },
        metadata: { order: 7, spillway_key: 'key-1' },
      },
    ]);
  });

  it('is made by the agent of the task, else by that of the adapter', async () => {
    const options = { baseUrl: fake.url, from: fake.number, agent: 'agent_adapter' };
    await callOf(create(), { options });
    await callOf(create(), { options, parameters: { to: '+14155550123', agent: 'agent_task' } });
    expect(fake.calls.map(({ agent_id }) => agent_id)).toEqual(['agent_adapter', 'agent_task']);
  });

  it('is not made again when an earlier attempt got through', async () => {
    const unsureSince = new Date();
    const first = await callOf(create());
    expect(await callOf(create(), { unsureSince })).toEqual(first);
    await callOf(create(), { unsureSince, idempotencyKey: 'key-2' });
    expect(fake.calls).toHaveLength(2);
  });

  it('ends for good without a number to call from', async () => {
    expect(await errorOf(callOf(create(), { options: { baseUrl: fake.url } }))).toMatchObject({
      code: 'sender-missing',
    });
  });

  it('is read', async () => {
    await callOf(create());
    Object.assign(fake.calls[0]!, {
      call_status: 'ended',
      start_timestamp: 1_700_000_000_000,
      end_timestamp: 1_700_000_060_000,
      disconnection_reason: 'user_hangup',
      transcript: 'Agent: hello',
      recording_url: 'https://example.com/1.wav',
      call_analysis: { call_summary: 'They said hello.' },
    });
    expect(await callOf(get('call_1'))).toEqual({
      id: 'call_1',
      status: 'ended',
      startedAt: '2023-11-14T22:13:20.000Z',
      endedAt: '2023-11-14T22:14:20.000Z',
      reason: 'user_hangup',
      transcript: 'Agent: hello',
      recordingUrl: 'https://example.com/1.wav',
      summary: 'They said hello.',
    });
  });

  it('ends for good when there is none', async () => {
    expect(await errorOf(callOf(get('call_9')))).toMatchObject({ class: 'permanent', code: 'http-404' });
  });
});
