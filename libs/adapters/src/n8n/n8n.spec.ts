import { FakeN8n } from '@spillway/testing';
import { Webhook } from 'standardwebhooks';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { n8n } from './n8n';

let fake: FakeN8n;
beforeEach(async () => (fake = await new FakeN8n().listen()));
afterEach(() => fake.close());

const start = (): Promised => ({
  adapter: n8n,
  fake: () => fake,
  secrets: { N8N_SIGNING_SECRET: fake.signingSecret },
  capability: 'workflow.start',
  parameters: { workflow: 'onboarding', input: { name: 'Ada' }, callbackUrl: 'https://spillway.example/callbacks/1' },
  refused: { workflow: 'asleep' },
  refusal: /not registered/,
});
const execution = (id: string): Promised => ({
  ...start(),
  secrets: { N8N_API_KEY: fake.apiKey },
  capability: 'n8n.getExecution',
  parameters: { id },
});

describe('a workflow of n8n', () => {
  keepsTheCommonPromises(start);

  it('is started with its input, the key and where to call back', async () => {
    const result = await callOf(start());
    expect(result).toEqual({ id: '1', output: { executionId: '1', started: true } });
    expect(fake.executions.get('1')).toEqual({
      workflow: 'onboarding',
      body: { input: { name: 'Ada' }, callbackUrl: 'https://spillway.example/callbacks/1', idempotencyKey: 'key-1' },
    });
  });

  it('is signed so that the Standard Webhooks library verifies it', async () => {
    await callOf(start());
    const { text, headers } = fake.asked[0]!;
    const secret = Buffer.from(fake.signingSecret).toString('base64');
    const verify = () => new Webhook(secret).verify(text, headers as Record<string, string>);
    expect(verify).not.toThrow();
  });

  it('is started once when it is asked twice', async () => {
    const first = await callOf(start());
    expect(await callOf(start())).toEqual(first);
    expect(fake.executions.size).toBe(1);
  });

  it('is known by the key when it answers with nothing', async () => {
    fake.failNext({ status: 200, body: '' });
    expect(await callOf(start())).toEqual({ id: 'key-1' });
  });

  it('is worth another try when its answer is not JSON', async () => {
    fake.failNext({ status: 200, body: 'done' });
    expect(await errorOf(callOf(start()))).toMatchObject({ class: 'transient', code: 'answer-unreadable' });
  });

  it('is read by its execution', async () => {
    await callOf(start());
    expect(await callOf(execution('1'))).toEqual({
      id: '1',
      workflow: 'onboarding',
      status: 'success',
      stoppedAt: '2026-11-20T10:00:01.000Z',
    });
    expect(await errorOf(callOf(execution('2')))).toMatchObject({ class: 'permanent', code: 'http-404' });
  });

  it('needs to know where n8n is', async () => {
    expect(await errorOf(callOf(start(), { options: {} }))).toMatchObject({ code: 'options-invalid' });
  });
});
