import { compileJq } from '../index';
import { anEvent } from './event';
import { Oracle } from './oracle';

/** `npm run jq:bench`: microseconds for each evaluation on an event of some 1.8 kB, the median of many rounds. */
const EXPRESSIONS: readonly [what: string, source: string][] = [
  ['path', '.data.object.amount'],
  ['deep path', '.data.object.charges.data[0].billing_details.address.country'],
  ['condition', '.type == "payment_intent.succeeded" and .data.object.amount > 1000'],
  ['alternative', '.data.object.customer.email // .data.object.receipt_email // "nobody"'],
  ['construction', '{id, type, amount: .data.object.amount, to: .data.object.receipt_email}'],
  ['interpolation', '"\\(.type): \\(.data.object.amount / 100) \\(.data.object.currency)"'],
  ['map and select', '[.data.object.lines[] | select(.quantity > 1) | .sku]'],
  ['first', 'first(.data.object.lines[] | select(.quantity > 1)) | .sku'],
  ['limit', '[limit(2; .data.object.lines[])] | length'],
  ['label and break', '[label $out | .data.object.lines[] | if .quantity > 2 then ., break $out else . end] | length'],
  ['any', 'any(.data.object.lines[]; .quantity > 2)'],
  ['reduce', 'reduce .data.object.lines[] as $line (0; . + $line.quantity * $line.price)'],
  ['add', '.data.object.lines | map(.quantity * .price) | add'],
  ['try', '[.data.object.lines[] | try (.sku | tonumber) catch "none"]'],
  ['regex', '.data.object.receipt_email | test("^[^@ ]+@[a-z0-9.-]+\\\\.[a-z]{2,}$")'],
  ['capture', '.data.object.description | capture("order (?<order>[0-9]+)")'],
  ['update', '.data.object.amount |= . / 100'],
  ['group_by', '.data.object.lines | group_by(.category) | map({key: .[0].category, n: length})'],
  ['tojson', 'tojson | length'],
];
const ROUNDS = 30;
const CALLS = 1_000;

async function main(): Promise<void> {
  const event = anEvent();
  console.log(`an event of ${JSON.stringify(event).length} bytes, ${ROUNDS} rounds of ${CALLS} calls`);
  console.table(EXPRESSIONS.map(([what, source]) => ({ what, µs: Number(measure(source, event).toFixed(2)), source })));
  const oracle = await Oracle.load();
  const [what, source] = EXPRESSIONS[0]!;
  console.log(`jq-wasm, ${what}: ${median(10, () => oracle.answer(source, event)).toFixed(0)} µs`);
}

function measure(source: string, input: unknown): number {
  const program = compileJq(source);
  return median(CALLS, () => program.first(input));
}

/** Microseconds a call. */
function median(calls: number, work: () => unknown): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    for (let call = 0; call < calls; call += 1) work();
    times.push(((performance.now() - started) * 1_000) / calls);
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

void main();
