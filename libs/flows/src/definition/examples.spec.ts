import { EXAMPLES, INVALID } from '../testing/specification/examples';
import { FlowSyntaxError, lintFlow, parseFlow } from '.';

const CONTAINER = 'not run by Spillway: workers start no containers';
const SHELL = 'not run by Spillway: workers start no shells';

/** Why Spillway refuses some of the 66 examples. None is refused since it is broken. */
const REFUSED: Record<string, string> = {
  'run-container-cleanup-always.yaml': CONTAINER,
  'run-container-cleanup-eventually.yaml': CONTAINER,
  'run-container-stdin-and-arguments.yaml': CONTAINER,
  'run-container-with-name.yaml': CONTAINER,
  'run-container-with-pull-policy.yaml': CONTAINER,
  'run-container.yaml': CONTAINER,
  'run-return-all.yaml': CONTAINER,
  'run-return-code.yaml': CONTAINER,
  'run-return-none.yaml': CONTAINER,
  'run-return-stderr.yaml': CONTAINER,
  'run-shell-stdin-and-arguments.yaml': SHELL,
};

/** Texts that are meant as expressions and would be sent as they are: broken upstream, in ways a linter can tell. */
const WARNED: Record<string, string[]> = {
  'conditional-task.yaml': ['/do/1/placeBet/with/body/customer', '/do/1/placeBet/with/body/bet'],
  'run-subflow.yaml': ['/do/0/registerCustomer/run/workflow/input/customer'],
  'try-catch-then.yaml': ['/do/0/tryGetPet/catch/do/1/setError/set/error'],
};

describe('the specification\u2019s examples', () => {
  it('are 66', () => expect(EXAMPLES).toHaveLength(66));

  it.each(EXAMPLES)('$file', ({ file, text }) => {
    const problems = lintFlow(parseFlow(text).definition);
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    const reason = REFUSED[file];
    expect(errors).toEqual(reason ? [expect.stringContaining(reason)] : []);
    const warnings = problems.filter(({ severity }) => severity === 'warning').map(({ path }) => path);
    expect(warnings).toEqual(WARNED[file] ?? []);
  });
});

describe('the definitions that the specification\u2019s own tests refuse', () => {
  it('are 3', () => expect(INVALID).toHaveLength(3));

  it.each([
    ['extra-property-in-call.yaml', '/do/0/getPet/foo', 'task "getPet" has no property "foo"'],
    [
      'two-tasks-in-one-item.yaml',
      '/do/0',
      'item 1 of "do" has 2 names (getPet, setMessage); an item of a list has one',
    ],
  ])('%s', (file, path, message) => {
    const { text } = INVALID.find((one) => one.file === file)!;
    expect(lintFlow(parseFlow(text).definition)).toMatchObject([{ path, message, severity: 'error' }]);
  });

  it('listen-any-until-any-until.yaml has a key twice, and without that an until within an until', () => {
    const { text } = INVALID.find(({ file }) => file === 'listen-any-until-any-until.yaml')!;
    expect(() => parseFlow(text)).toThrow(FlowSyntaxError);
    const { definition } = parseFlow(text.replace('do:\n', ''));
    expect(lintFlow(definition)).toMatchObject([
      {
        path: '/do/0/callDoctor/listen/to/until/until',
        message: '"listen.to.until.until" of task "callDoctor" is not allowed here',
      },
    ]);
  });
});
