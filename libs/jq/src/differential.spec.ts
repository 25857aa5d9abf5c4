import { Oracle, ours } from './testing/oracle';
import { cases } from './testing/cases';
import { found } from './testing/found';
import { foundLater } from './testing/found-later';
import { grammar } from './testing/grammar';
import { JqUnsupportedError } from './index';

let oracle: Oracle;
let refused = 0;

beforeAll(async () => {
  oracle = await Oracle.load();
});

/** Outputs, the order of keys, the text of numbers and the messages of errors: all of it. */
function compareOn(filter: string, input: unknown): void {
  let mine: string[];
  try {
    mine = ours(filter, input);
  } catch (error) {
    // Refusing is right, and counted below.
    if (!(error instanceof JqUnsupportedError)) throw error;
    refused += 1;
    return;
  }
  expect(mine).toEqual(oracle.answer(filter, input));
}

describe.each(cases)('answers as jq 1.8 does: $filter', ({ filter, inputs }) => {
  it.each(inputs.map((input) => [JSON.stringify(input), input]))('on %s', (_name, input) => compareOn(filter, input));
});

it.each([...found, ...foundLater])('answers as jq 1.8 does: %s', (line) => {
  const [input = '', filter = ''] = line.split(' ;; ');
  compareOn(filter, JSON.parse(input));
});

it.each(grammar)('reads as jq 1.8 does: %s', (filter) => compareOn(filter, null));

it('refuses few of them', () => {
  const all =
    cases.reduce((sum, { inputs }) => sum + inputs.length, 0) + found.length + foundLater.length + grammar.length;
  expect(refused).toBeLessThan(all * 0.02);
});
