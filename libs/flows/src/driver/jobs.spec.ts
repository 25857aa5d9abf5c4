import type { CallCommand } from '../engine/state';
import { callJob } from './jobs';

const run = { id: 'r', tenant: 't', flow: 'f', eventId: 'e', priority: 'normal', correlationId: 'c' };
const timeOf = (call: string, args: object) => {
  const command: CallCommand = { kind: 'call', node: 2, path: '/do/0/a', call, with: args as never, input: null };
  return callJob(run, command).data.meta.timeoutMs;
};

it('a subscription may take as long as it says, and half a minute to connect; other calls as long as any', () => {
  const consuming = (consume: object) => ({ document: { endpoint: 'https://x.example' }, subscription: { consume } });
  expect(timeOf('asyncapi', consuming({ for: { minutes: 30 } }))).toBe(1_830_000);
  expect(timeOf('asyncapi', consuming({ for: 'PT1M', amount: 2 }))).toBe(90_000);
  expect(timeOf('asyncapi', consuming({ amount: 2 }))).toBeUndefined();
  // Names secrets, and is worked out by the worker.
  expect(timeOf('asyncapi', consuming({ for: '${ .time }' }))).toBeUndefined();
  expect(timeOf('http', { method: 'get', endpoint: 'https://x.example' })).toBeUndefined();
});
