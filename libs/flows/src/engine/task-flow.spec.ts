import { standardErrorUri } from '../definition/standard-errors';
import { outputOf, run, tasksThat } from '../testing/flows';

const ADD = (name: string, more = '') => `- ${name}: { set: { way: "\${ (.way // []) + [\\"${name}\\"] }" }${more} }`;

describe('where a run goes after a task', () => {
  it('to the next one, past those whose "if" does not hold', async () => {
    const body = `
      do:
        ${ADD('a')}
        ${ADD('b', ', if: .skip != true')}
        ${ADD('c')}`;
    expect(await outputOf(body, { input: { way: [] } })).toEqual({ way: ['a', 'b', 'c'] });
    const { state, happenings } = await run(body.replace('.skip != true', '.way == null'));
    expect(state.output).toEqual({ way: ['a', 'c'] });
    expect(tasksThat('started', happenings)).toEqual(['a', 'c']);
  });

  it('a task that is skipped does not follow its "then"', async () => {
    const body = `
      do:
        ${ADD('a', ', if: "false", then: end')}
        ${ADD('b')}`;
    expect(await outputOf(body)).toEqual({ way: ['b'] });
  });

  it('to a task by its name, forwards and back', async () => {
    const body = `
      do:
        ${ADD('a', ', then: c')}
        ${ADD('b', ', then: end')}
        ${ADD('c', ', then: b')}`;
    expect(await outputOf(body)).toEqual({ way: ['a', 'c', 'b'] });
  });

  it('out of its list with exit: on after the task that holds it', async () => {
    const body = `
      do:
        - group:
            do:
              ${ADD('a', ', then: exit')}
              ${ADD('b')}
        ${ADD('c')}`;
    expect(await outputOf(body)).toEqual({ way: ['a', 'c'] });
  });

  it('to the end of the run with exit in its own list, and with end from anywhere', async () => {
    expect(await outputOf(`do:\n  ${ADD('a', ', then: exit')}\n  ${ADD('b')}`)).toEqual({ way: ['a'] });
    const body = `
      do:
        - group:
            for: { in: "[1, 2]" }
            do:
              - inner:
                  do:
                    ${ADD('a', ', then: end')}
        ${ADD('c')}
      output: { as: .way }`;
    expect(await outputOf(body)).toEqual(['a']);
  });

  it('nowhere, when the name is not there: an error of the task that named it, which can be caught', async () => {
    const body = `
      do:
        - guard:
            try:
              ${ADD('a', ', then: nowhere')}
            catch:
              do: [{ report: { set: "\${ $error }" } }]`;
    expect(await outputOf(body, { mistakes: true })).toMatchObject({
      type: standardErrorUri('configuration'),
      instance: '/do/0/guard/try/0/a',
      detail: 'there is no task "nowhere" to go on with',
    });
    const { state } = await run(`do:\n  ${ADD('a', ', then: nowhere')}`, { mistakes: true });
    expect(state).toMatchObject({ status: 'faulted', error: { instance: '/do/0/a' } });
  });

  it('an empty list hands its input on', async () => {
    expect(await outputOf('do: [{ nothing: { do: [] } }]', { input: { n: 1 }, mistakes: true })).toEqual({ n: 1 });
  });
});

describe('switch', () => {
  const body = (rest: string) => `
    do:
      - choose:
          switch:
            - small: { when: .n < 10, then: small }
            - odd: { when: .n % 2 == 1, then: odd }
            ${rest}
      ${ADD('next', ', then: end')}
      ${ADD('small', ', then: end')}
      ${ADD('odd', ', then: end')}
      ${ADD('other', ', then: end')}`;

  it('takes the first case that holds', async () => {
    expect(await outputOf(body(''), { input: { n: 3 } })).toEqual({ way: ['small'] });
    expect(await outputOf(body(''), { input: { n: 31 } })).toEqual({ way: ['odd'] });
  });

  it('takes the default when none holds, wherever it stands', async () => {
    const cases = body('- default: { then: other }');
    expect(await outputOf(cases, { input: { n: 30 } })).toEqual({ way: ['other'] });
    const first = body('').replace('- small: { when', '- default: { then: other }\n            - small: { when');
    expect(await outputOf(first, { input: { n: 3 }, mistakes: true })).toEqual({ way: ['small'] });
    expect(await outputOf(first, { input: { n: 30 }, mistakes: true })).toEqual({ way: ['other'] });
  });

  it('goes on to the next task, or the switch\'s own "then", without one', async () => {
    expect(await outputOf(body(''), { input: { n: 30 } })).toEqual({ way: ['next'] });
    const withThen = body('').replace('- choose:', '- choose:\n          then: other');
    expect(await outputOf(withThen, { input: { n: 30 } })).toEqual({ way: ['other'] });
    expect(await outputOf(withThen, { input: { n: 3 } })).toEqual({ way: ['small'] });
  });

  it('hands its input on, and knows continue, exit and end', async () => {
    const one = (then: string) => `
      do:
        - group:
            do:
              - choose: { switch: [{ always: { then: ${then} } }] }
              ${ADD('inner')}
        ${ADD('outer')}`;
    expect(await outputOf(one('continue'), { input: { n: 1 } })).toEqual({ way: ['inner', 'outer'] });
    expect(await outputOf(one('exit'), { input: { n: 1 } })).toEqual({ way: ['outer'] });
    expect(await outputOf(one('end'), { input: { n: 1 } })).toEqual({ n: 1 });
  });

  it('a condition that fails is the error of the switch', async () => {
    const { state } = await run('do: [{ choose: { switch: [{ a: { when: .n / 0, then: end } }] } }]', {
      input: { n: 1 },
    });
    expect(state.error).toMatchObject({ type: standardErrorUri('expression'), instance: '/do/0/choose' });
  });
});
