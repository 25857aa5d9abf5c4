import type { Json } from '@spillway/jq';
import { shown } from '../definition/json';

/**
 * Where two values differ, one line for each place: `output.items[1].price: expected 5, received 6`.
 *
 * @param isPart whether the received value may have more keys than the expected one
 */
export function differences(place: string, expected: Json, received: Json | undefined, isPart = false): string[] {
  if (received === undefined) return [`${place}: expected ${shown(expected)}, received nothing`];
  if (Array.isArray(expected) && Array.isArray(received)) {
    const more = received
      .slice(expected.length)
      .map((one, index) => extra(`${place}[${expected.length + index}]`, one));
    return [
      ...expected.flatMap((one, index) => differences(`${place}[${index}]`, one, received[index], isPart)),
      ...more,
    ];
  }
  if (isObject(expected) && isObject(received)) {
    const extras = isPart ? [] : Object.keys(received).filter((key) => !Object.hasOwn(expected, key));
    return [
      ...Object.entries(expected).flatMap(([key, one]) =>
        differences(at(place, key), one, Object.hasOwn(received, key) ? received[key] : undefined, isPart),
      ),
      ...extras.map((key) => extra(at(place, key), received[key]!)),
    ];
  }
  return Object.is(expected, received) ? [] : [`${place}: expected ${shown(expected)}, received ${shown(received)}`];
}

const extra = (place: string, value: Json) => `${place}: not expected, received ${shown(value)}`;

function at(place: string, key: string): string {
  return /^[\w$-]+$/.test(key) ? `${place}.${key}` : `${place}[${JSON.stringify(key)}]`;
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
