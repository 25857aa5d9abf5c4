import { lintFlow } from './lint';

const flow = (more: object) => ({
  document: { dsl: '1.0.3', namespace: 'n', name: 'f', version: '1.0.0' },
  do: [{ a: { set: { x: 1 } } }],
  ...more,
});
const schema = { resource: { endpoint: 'https://x.example/schema.json' } };
const correlate = { order: { from: '.data.order' } };

it.each([
  ['/schedule/on/all/1', { schedule: { on: { all: [{ with: { type: 'a' }, correlate }, { with: { type: 'b' } }] } } }],
  ['/input/schema/resource', { input: { schema } }],
  ['/do/0/a/output/schema/resource', { do: [{ a: { set: { x: 1 }, output: { schema } } }] }],
  ['/do/0/a/call', { do: [{ a: { call: 'https://x.example/function.yaml' } }] }],
  ['/do/0/a/call', { do: [{ a: { call: 'log:1.0.0@default' } }] }],
  ['/do/0/a/set', { use: { secrets: ['x'] }, do: [{ a: { set: { y: '${ $secrets.x }' } } }] }],
  [
    '/do/0/a/with/subscription/filter',
    {
      use: { secrets: ['x'] },
      do: [
        {
          a: {
            call: 'asyncapi',
            with: {
              document: { endpoint: 'https://x.example' },
              operation: 'o',
              subscription: { filter: '${ .payload == $secrets.x }', consume: { amount: 1 } },
            },
          },
        },
      ],
    },
  ],
])('refuses %s when a flow is to be published, and not before', (path, more) => {
  expect(lintFlow(flow(more)).filter(({ severity }) => severity === 'error')).toEqual([]);
  const problems = lintFlow(flow(more), { published: true }).filter(({ severity }) => severity === 'error');
  expect(problems.map((problem) => problem.path)).toEqual([path]);
  expect(problems[0]!.remedy).not.toBe('');
});

it('knows what Spillway reads from the metadata', () => {
  const task = (metadata: object, call = 'http') =>
    flow({ do: [{ a: { call, with: { method: 'get', endpoint: 'https://x.example' }, metadata } }] });
  expect(lintFlow(task({ parallel: 3, callback: true }))).toEqual([]);
  expect(lintFlow(task({ callback: true }, 'spillway.notify'))).toMatchObject([{ path: '/do/0/a/metadata/callback' }]);
  expect(lintFlow(task({ parallel: 0, callback: 'yes' })).map(({ path }) => path)).toEqual([
    '/do/0/a/metadata/parallel',
    '/do/0/a/metadata/callback',
  ]);
});
