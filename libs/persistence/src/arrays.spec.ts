import * as fc from 'fast-check';
import type { Pool } from 'pg';
import { bools, floats, ints, jsons, texts, times, uuids } from './arrays';
import { ownDatabase } from './testing/own-database';

let own: Awaited<ReturnType<typeof ownDatabase>>;
let pool: Pool;

beforeAll(async () => {
  own = await ownDatabase();
  ({ pool } = own.database);
}, 30_000);

afterAll(() => own?.close());

/** What is hard in the other form: it has quotes, braces, commas, backslashes, and a word for null. */
const awkward = fc.constantFrom(
  'NULL',
  'null',
  '',
  '"',
  '\\',
  '\\"',
  '{a,b}',
  ',',
  "'",
  '\n\t\r',
  '\u{1f600}',
  'é',
  '中',
);
const text = fc.oneof(
  awkward,
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\u0000', '')),
  fc.array(awkward).map((all) => all.join('')),
);
/** From before 2000 until after 9999, also beyond what a float counts in microseconds. */
const moment = fc.oneof(
  fc.date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
  fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
);
const nullable = <T>(one: fc.Arbitrary<T>) => fc.array(fc.option(one), { maxLength: 12 });
const json = fc.oneof(
  text.map((value) => JSON.stringify({ [value]: [value, null] })),
  fc.jsonValue().map((value) => JSON.stringify(value).replaceAll('\\u0000', '')),
);

/** What PostgreSQL makes of both forms: every element as it shows it, of both the same. */
async function read(type: string, binary: Buffer, values: readonly unknown[]): Promise<(string | null)[]> {
  const { rows } = await pool.query<{ same: boolean; shown: (string | null)[] }>({
    name: `arrays-${type}`,
    text: `select $1::${type}[]::text = $2::text::${type}[]::text as same,
      array(select x::text from unnest($1::${type}[]) with ordinality as t (x, n) order by n) as shown`,
    values: [binary, values.length === 0 ? '{}' : values],
  });
  expect(rows[0]!.same).toBe(true);
  return rows[0]!.shown;
}

const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** Half of a surrogate pair is no text in UTF-8. */
const wellFormed = (value: string | null) => value?.replace(half, '\ufffd') ?? null;

describe('an array in PostgreSQL’s binary form', () => {
  const holds = <T>(values: fc.Arbitrary<(T | null)[]>, test: (values: (T | null)[]) => Promise<void>) =>
    fc.assert(fc.asyncProperty(values, test), { numRuns: 40 });

  it('is the text that was given', () =>
    holds(nullable(text), async (values) =>
      expect(await read('text', texts(values), values)).toEqual(values.map(wellFormed)),
    ));

  it('is the JSON that was given, to the letter', () =>
    holds(nullable(json), async (values) =>
      expect(await read('json', jsons(values), values)).toEqual(values.map(wellFormed)),
    ));

  it('is the whole numbers that were given', () =>
    holds(nullable(fc.integer()), async (values) =>
      expect(await read('int4', ints(values), values)).toEqual(values.map((value) => value?.toString() ?? null)),
    ));

  it('is the numbers that were given', () =>
    holds(nullable(fc.double().filter((value) => !Object.is(value, -0))), async (values) => {
      const shown = await read('float8', floats(values), values);
      expect(shown.map((one) => (one === null ? null : Number(one)))).toEqual(values);
    }));

  it('is the flags that were given', () =>
    holds(nullable(fc.boolean()), async (values) =>
      expect(await read('bool', bools(values), values)).toEqual(values.map((value) => value?.toString() ?? null)),
    ));

  it('is the UUIDs that were given', () =>
    holds(nullable(fc.uuid()), async (values) => {
      expect(await read('uuid', uuids(values), values)).toEqual(values);
      const capitals = values.map((value) => value?.toUpperCase());
      expect(uuids(capitals)).toEqual(uuids(values));
    }));

  it('is the moments that were given, as a date or in Unix milliseconds', () =>
    holds(nullable(moment), async (values) => {
      // In the other form `pg` leaves out the seconds that local time differed by in past centuries.
      const iso = values.map((value) => value?.toISOString() ?? null);
      await read('timestamptz', times(values), iso);
      const { rows } = await pool.query<{ ms: string | null }>(
        'select (extract(epoch from x) * 1000)::int8 as ms from unnest($1::timestamptz[]) with ordinality as t (x, n) order by n',
        [times(values)],
      );
      expect(rows.map(({ ms }) => (ms === null ? null : Number(ms)))).toEqual(values.map((v) => v?.getTime() ?? null));
      expect(times(values.map((value) => value?.getTime()))).toEqual(times(values));
    }));

  it('holds long text, and many', async () => {
    const values = Array.from({ length: 300 }, (_, at) => `${at}é"\\`.repeat(1 + at * 3));
    expect(await read('text', texts(values), values)).toEqual(values);
    const longest = ['\u{1f600}'.repeat(900_000), 'short'];
    expect(await read('text', texts(longest), longest)).toEqual(longest);
    expect(await read('text', texts(values), values)).toEqual(values);
  });

  it('is refused, in both forms, with a NUL', async () => {
    for (const values of [['a\u0000'], texts(['a\u0000'])])
      await expect(pool.query('select $1::text[]', [values])).rejects.toMatchObject({ code: '22021' });
  });

  it('is refused, in both forms, for what is no JSON', async () => {
    for (const values of [['{"a"'], jsons(['{"a"'])])
      await expect(pool.query('select $1::json[]', [values])).rejects.toMatchObject({ code: '22P02' });
  });

  it('is not made of what the type cannot hold', () => {
    for (const value of [1.5, 2 ** 31, -(2 ** 31) - 1, NaN, '1' as never])
      expect(() => ints([1, value])).toThrow(`int4[] cannot hold "${value}"`);
    for (const value of [
      '',
      'x',
      '01890a5d-ac96-774b-bcce-b302099a805g',
      '01890a5dac96-774b-bcce-b302099a8057-',
      7 as never,
    ])
      expect(() => uuids([value])).toThrow(`uuid[] cannot hold "${value}"`);
    expect(() => times([new Date(NaN)])).toThrow('timestamptz[] cannot hold "Invalid Date"');
    expect(() => texts([{} as never])).toThrow('text[] cannot hold "[object Object]"');
    expect(() => jsons([1 as never])).toThrow('json[] cannot hold "1"');
    expect(() => bools(['t' as never])).toThrow('bool[] cannot hold "t"');
    expect(() => floats(['1' as never])).toThrow('float8[] cannot hold "1"');
  });

  it('is refused where SQL has another type', async () => {
    await expect(pool.query('select $1::int4[]', [texts(['1'])])).rejects.toMatchObject({ code: '42804' });
  });
});
