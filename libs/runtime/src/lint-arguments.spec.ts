import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { lintResource } from './lint';

const lint = (task: object) => {
  const spec = { do: [{ a: task }] };
  const flow = { apiVersion: API_VERSION, kind: 'Flow', metadata: { tenant: 't', name: 'f' }, spec };
  return lintResource(resourceSchema.parse(flow));
};

it.each([
  [
    { call: 'sms.send', with: { to: '+15550100', bdy: 'hello' } },
    'spec.do.0.a.with.bdy',
    '"with.bdy" of task "a" is no argument of sms.send; did you mean "body"? The arguments of sms.send are to, from, body.',
  ],
  [{ call: 'sms.send' }, 'spec.do.0.a', '"with" of task "a" lacks "to". The arguments of sms.send are to, from, body.'],
  [
    { call: 'sms.send', with: { to: '0555', body: '${ .text }' } },
    'spec.do.0.a.with.to',
    '"with.to" of task "a" must be a phone number like +14155550123 (E.164). Mend the argument.',
  ],
  [
    { call: 'chat.post', with: { channel: 5, text: 'a' } },
    'spec.do.0.a.with.channel',
    '"with.channel" of task "a" is not as it must be: Invalid input: expected string, received number.',
  ],
  [{ call: 'spillway.approval', with: { text: 'hi' } }, 'spec.do.0.a.with', 'lacks "title"'],
  [
    { call: 'spillway.approval', with: { title: 'hi', notify: { channel: 'pigeon' } } },
    'spec.do.0.a.with.notify.channel',
    'is not as it must be',
  ],
  [
    { call: 'sms.send', with: { to: '+15550100', body: 'hi' }, metadata: { callback: true } },
    'spec.do.0.a.metadata.callback',
    'sms.send takes no link to answer through. Call something that does, such as workflow.start, or use "call: http".',
  ],
])('refuses arguments that %j cannot have', (task, path, words) => {
  const [first] = lint(task);
  expect(first).toMatchObject({ path });
  expect(first!.message).toContain(words);
});

it.each([
  { call: 'sms.send', with: { to: '${ .to }', body: 'Hello ${ .name }' } },
  { call: 'chat.post', with: { channel: '${ .channel }', text: 'a', blocks: '${ .blocks }' } },
  { call: 'crm.upsertContact', with: { phone: '${ .phone }' } },
  { call: 'workflow.start', with: { workflow: 'onboarding' }, metadata: { callback: true } },
  { call: 'spillway.approval', with: { title: 'Pay?', notify: { channel: 'log', message: 'a' } } },
  { call: 'spillway.notify', with: { channel: '${ .channel }', message: 'a' } },
])('leaves to the call what expressions give: %j', (task) => expect(lint(task)).toEqual([]));
