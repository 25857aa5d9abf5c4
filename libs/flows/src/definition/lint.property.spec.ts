import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { lintFlow, parseFlow } from '.';
import { EXAMPLES } from '../testing/specification/examples';
import { explain } from './explain';
import { matchesSchema } from './lint';
import { flowSchema } from './schema';

const whole = new Ajv2020({ strict: false, logger: false });
addFormats(whole);
/** The schema's verdict in one go, which is slow for deep lists. */
const matchesWhole = whole.compile(flowSchema);

const DEFINITIONS = EXAMPLES.map(({ text }) => parseFlow(text).definition as unknown);

/** Every place of a value, as keys from its root. */
function placesOf(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  const inner = Object.entries(value).flatMap(([key, part]) => placesOf(part).map((rest) => [key, ...rest]));
  return [[], ...inner];
}

type Change =
  | { kind: 'replace'; value: unknown }
  | { kind: 'remove' }
  | { kind: 'rename'; name: string }
  | { kind: 'add'; name: string; value: unknown };

function changed(value: unknown, [key, ...rest]: (string | number)[], change: Change): unknown {
  if (key === undefined) {
    if (change.kind === 'replace') return change.value;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return change.kind === 'add' && isObject ? { ...value, [change.name]: change.value } : value;
  }
  if (Array.isArray(value))
    return value.map((item, index) => (index === Number(key) ? changed(item, rest, change) : (item as unknown)));
  const entries = Object.entries(value as object).flatMap(([name, part]): [string, unknown][] => {
    if (name !== key) return [[name, part]];
    if (rest.length > 0 || change.kind === 'replace' || change.kind === 'add')
      return [[name, changed(part, rest, change)]];
    return change.kind === 'remove' ? [] : [[change.name, part]];
  });
  return Object.fromEntries(entries);
}

const WORDS = [
  'call',
  'do',
  'for',
  'try',
  'catch',
  'then',
  'with',
  'set',
  'metadata',
  'compensate',
  'use',
  'retry',
  'foreach',
  'until',
  'any',
  'one',
  'schema',
  'document',
  '__proto__',
  'constructor',
  'toString',
];
const TEXTS = [
  '${ .x }',
  '${ $secrets.a }',
  '${ ',
  '.x',
  'PT5S',
  'P1M',
  'end',
  'http',
  'asyncapi',
  'a2a',
  'f',
  'x:1@c',
  'https://example.com',
  '',
  '0 0 * * *',
];
const name = fc.oneof(fc.constantFrom(...WORDS), fc.string());
const scalar = fc.oneof(fc.constantFrom(...TEXTS), fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const json = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, scalar, tie('list'), tie('fields')),
  list: fc.array(tie('any'), { maxLength: 3 }),
  fields: fc.dictionary(name, tie('any'), { maxKeys: 4 }),
})).any;
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('replace' as const), value: json }),
  fc.record({ kind: fc.constant('remove' as const) }),
  fc.record({ kind: fc.constant('rename' as const), name }),
  fc.record({ kind: fc.constant('add' as const), name, value: json }),
);
const mutated = fc
  .tuple(fc.constantFrom(...DEFINITIONS), fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 3 }))
  .map(([definition, changes]) =>
    changes.reduce((value, [seed, one]) => {
      const places = placesOf(value);
      return changed(value, places[seed % places.length]!, one);
    }, definition),
  );

function check(definition: unknown): void {
  const before = JSON.stringify(definition);
  const problems = lintFlow(definition);
  expect(JSON.stringify(definition)).toBe(before);
  for (const { path, message, remedy } of problems) {
    expect(path === '' || path.startsWith('/')).toBe(true);
    expect(message).toMatch(/^[^\n\r]+$/);
    expect(remedy).toMatch(/^[^\n\r]+$/);
  }
  const refused = !matchesWhole(definition);
  expect(matchesSchema(definition)).toBe(!refused);
  if (refused) expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  // The words are found without ajv: both agree, but for keys that ajv takes for known since every object has them.
  if (placesOf(definition).some((keys) => keys.some((key) => key in Object.prototype))) return;
  expect(explain(flowSchema, definition, '').problems.length > 0).toBe(refused);
}

describe('linting never throws, leaves the definition as it is, and says why the schema refuses it', () => {
  it('for arbitrary JSON', () => {
    fc.assert(fc.property(json, check), { numRuns: 500 });
  });

  it('for arbitrary JSON in the place of tasks', () => {
    const [first] = DEFINITIONS as [object];
    fc.assert(
      fc.property(fc.array(fc.dictionary(name, json, { maxKeys: 2 })), (tasks) => check({ ...first, do: tasks })),
      { numRuns: 500 },
    );
  });

  it('for the specification\u2019s examples with changes anywhere', () => {
    fc.assert(fc.property(mutated, check), { numRuns: 1500 });
  });

  it('for what is no JSON, contains itself or nests without end', () => {
    const loop: Record<string, unknown> = { do: [] };
    loop['do'] = [loop, loop];
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    for (const definition of [undefined, null, loop, deep, { do: deep }, () => 1, 10n, Symbol('x'), NaN]) {
      expect(lintFlow(definition)).not.toEqual([]);
    }
  });
});
