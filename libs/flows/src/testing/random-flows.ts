import fc from 'fast-check';
import type { FlowDefinition, TaskDefinition, TaskList } from '../definition/model';

export interface RandomOptions {
  /** Whether the outcome may depend on what comes first: faults, races, timeouts, exports, early ends. */
  races: boolean;
  /** Whether tasks may say how they are undone. */
  undo?: boolean;
}

/** A well-formed definition that comes to an end if all its calls are answered. */
export function randomFlow(options: RandomOptions): fc.Arbitrary<FlowDefinition> {
  const extension = fc.record({
    extend: fc.constantFrom('all', 'call', 'set', 'for', 'composite'),
    before: fc.constant([{ noted: { set: { noted: true } } }, { told: { call: 'log.write', with: {} } }]),
    after: fc.constant([{ group: { do: [{ told: { call: 'log.write', with: { n: '${ . }' } } }] } }]),
  });
  const head = fc.record({
    timeout: options.races ? rarely(fc.constant({ after: 'PT40S' })) : fc.constant(undefined),
    extension: rarely(extension),
    output: rarely(fc.constant({ as: '[.]' })),
  });
  return fc.tuple(taskList(options, 3), head).map(([tasks, { timeout, extension, output }]) =>
    withoutUndefined({
      document: { dsl: '1.0.3', namespace: 'test', name: 'random', version: '1.0.0' },
      use: {
        functions: { getOne: { call: 'crm.find', with: { q: '${ . }' }, output: { as: '{ got: . }' } } },
        ...(extension && { extensions: [{ random: extension }] }),
      },
      do: tasks,
      timeout,
      output,
    }),
  );
}

function taskList(options: RandomOptions, depth: number): fc.Arbitrary<TaskList> {
  return fc
    .array(fc.tuple(task(options, depth), fc.nat(), common(options)), { minLength: 1, maxLength: 3 })
    .map((tasks) =>
      tasks.map(([one, target, more], index) => {
        const then = thenOf(index, tasks.length, target, options);
        return { [`t${index}`]: withoutUndefined({ ...more, ...one, ...then }) };
      }),
    );
}

/** Forwards only: a run that goes back may go round for ever. */
function thenOf(index: number, length: number, target: number, { races }: RandomOptions): { then?: string } {
  const choice = target % 12;
  if (choice === 0) return { then: 'exit' };
  if (choice === 1 && races) return { then: 'end' };
  if (choice === 2 && index + 1 < length) return { then: `t${index + 1 + (target % (length - index - 1))}` };
  return {};
}

function common({ races, undo }: RandomOptions): fc.Arbitrary<object> {
  return fc.record({
    if: rarely(condition),
    input: rarely(fc.constantFrom({ from: '{ n: 1, was: . }' }, { from: '[., .] | .[0]' })),
    output: rarely(fc.constantFrom({ as: '{ n: 2, out: . }' }, { as: '.' })),
    export: races ? rarely(fc.constant({ as: '$context + { last: $task.name }' })) : fc.constant(undefined),
    timeout: races ? rarely(fc.constantFrom({ after: 'PT2S' }, { after: 'PT10S' })) : fc.constant(undefined),
    metadata: undo
      ? rarely(
          fc.constantFrom(
            { compensate: { call: 'crm.remove', with: { what: '${ .output }' } } },
            { compensate: [{ pause: { wait: 'PT1S' } }, { worse: { raise: { error: ERROR } } }] },
          ),
        )
      : fc.constant(undefined),
  });
}

const ERROR = { type: 'https://example.com/errors/random', status: 400 };
const condition = fc.constantFrom('. != null', 'type == "object"', '(tostring | length) % 2 == 0', 'false');
/** None of them fails, whatever it is given. */
const value = fc.constantFrom(
  1,
  'text',
  '${ . }',
  '${ tostring }',
  '${ [.] | length }',
  '${ $workflow.input }',
  '${ type }',
);

function task(options: RandomOptions, depth: number): fc.Arbitrary<object> {
  const { races } = options;
  const simple: fc.Arbitrary<object>[] = [
    value.map((n) => ({ set: { n } })),
    fc.constant({ call: 'crm.find', with: { n: '${ . }' } }),
    fc.constant({ call: 'getOne', with: { n: 1 } }),
    fc.constantFrom('PT1S', 'PT5S').map((wait) => ({ wait })),
    fc.constant({
      emit: {
        event: {
          with: {
            source: 'https://example.com',
            type: 'random',
            ...(!races && { id: 'e', time: '2026-01-15T12:00:00Z' }),
          },
        },
      },
    }),
    condition.map((when) => ({ switch: [{ yes: { when, then: 'exit' } }, { no: { then: 'continue' } }] })),
    fc.boolean().map((await_) => ({
      run: { await: await_, workflow: { namespace: 'test', name: 'other', version: '1.0.0', input: { n: '${ . }' } } },
    })),
    fc.constant({
      try: [{ bad: { raise: { error: ERROR } } }],
      catch: { do: [{ fine: { set: { n: '${ $error.status }' } } }] },
    }),
  ];
  if (races) {
    simple.push(
      fc.constant({ raise: { error: ERROR } }),
      fc.constant({ set: { n: '${ .n / 0 }' } }),
      fc.constant({ for: { in: '.items' }, do: [{ one: { set: { n: 1 } } }] }),
      fc.constant({ listen: { to: { one: { with: { type: 'random' } } } }, timeout: { after: 'PT3S' } }),
      fc.constant({
        listen: { to: { any: [], until: 'length == 2' } },
        foreach: { do: [{ ask: { call: 'crm.find', with: { n: '${ $item }' } } }] },
        timeout: { after: 'PT9S' },
      }),
    );
  }
  if (depth === 0) return fc.oneof(...simple);
  const inner = taskList(options, depth - 1);
  const composite: fc.Arbitrary<object>[] = [
    inner.map((list) => ({ do: list })),
    fc
      .record({
        list: inner,
        in: fc.constantFrom('[range(3)]', '[]', '["a", "b"]'),
        parallel: rarely(fc.constantFrom(1, 2, 5)),
        while: rarely(fc.constantFrom('$index < 1', '. != null')),
      })
      .map(({ list, in: items, parallel, while: holds }) => ({
        for: { in: items },
        // What one of several at once does with exit, or with a condition, depends on which of them is first.
        ...(holds !== undefined && (races || parallel === undefined) && { while: holds }),
        do: !races && parallel !== undefined ? list.map(withoutExit) : list,
        ...(parallel !== undefined && { metadata: { parallel } }),
      })),
    fc
      .record({ list: inner, compete: races ? fc.boolean() : fc.constant(false) })
      .map(({ list, compete }) => ({ fork: { branches: list.map(withoutThen), compete } })),
  ];
  if (races) {
    const retry = fc.record({
      delay: fc.constantFrom('PT0S', 'PT1S'),
      backoff: fc.constantFrom({ constant: {} }, { linear: {} }, { exponential: {} }),
      limit: fc.constantFrom({ attempt: { count: 2 } }, { duration: 'PT5S', attempt: { count: 3 } }),
    });
    composite.push(
      fc
        .record({
          list: inner,
          retry: rarely(retry),
          do: rarely(inner),
          errors: rarely(fc.constant({ with: { status: 400 } })),
        })
        .map(({ list, ...handler }) => ({ try: list, catch: withoutUndefined(handler) })),
    );
  }
  return fc.oneof({ weight: 3, arbitrary: fc.oneof(...simple) }, { weight: 2, arbitrary: fc.oneof(...composite) });
}

function withoutThen(item: TaskList[number]): TaskList[number] {
  const [[name, { then: _, ...rest }]] = Object.entries(item) as [[string, TaskDefinition]];
  return { [name]: rest };
}

/** Tasks of a loop's own list that leave it. */
function withoutExit(item: TaskList[number]): TaskList[number] {
  const [[name, one]] = Object.entries(withoutThen(item)) as [[string, TaskDefinition]];
  return { [name]: 'switch' in one ? { set: { n: 'no switch' } } : one };
}

function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 4 });
}

function withoutUndefined<T extends object>(value: T): FlowDefinition {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as unknown as FlowDefinition;
}
