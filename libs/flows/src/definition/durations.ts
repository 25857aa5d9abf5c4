import { PermanentError } from '@spillway/contracts';
import { isFields, shown } from './json';
import type { DurationModel } from './model';

const UNITS = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};
const PARTS = ['days', 'hours', 'minutes', 'seconds', 'milliseconds'] as const;
const ISO =
  /^P(?!$)(?:(\d+(?:[.,]\d+)?)Y)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/;

/** More than this (about 285 years) is a mistake, and beyond what a date can hold when added to one. */
export const LONGEST_MS = 9_000_000_000_000;

/**
 * A duration in whole milliseconds, rounded: ISO 8601 (`P1W`, `P1DT2H`, `PT0.5S`), or an object of parts. A week is seven
 * days and a day is 24 hours, whatever the clocks do. Years and months have no fixed length and are refused, so that
 * a wait means the same in February.
 *
 * @throws PermanentError `duration-invalid`
 * @example durationMs('PT1M30S') === 90_000
 */
export function durationMs(model: DurationModel): number {
  const total = typeof model === 'string' ? ofText(model) : ofParts(model);
  if (total > LONGEST_MS) throw invalid(`${shown(model)} is too long`, 'The longest duration is about 285 years.');
  return Math.round(total);
}

function ofText(text: string): number {
  const [, years, months, ...rest] = ISO.exec(text) ?? [];
  if (rest.length === 0) throw invalid(`${shown(text)} is no duration`, SUCH_AS);
  if (years !== undefined || months !== undefined) {
    const word = years === undefined ? 'month' : 'year';
    throw invalid(
      `${shown(text)} counts in ${word}s, and a ${word} has no fixed length`,
      `Write days: ${word === 'year' ? 'P365D' : 'P30D'}.`,
    );
  }
  const [weeks, days, hours, minutes, seconds] = rest.map((part) => Number((part ?? '0').replace(',', '.')));
  return (
    weeks! * UNITS.weeks +
    days! * UNITS.days +
    hours! * UNITS.hours +
    minutes! * UNITS.minutes +
    seconds! * UNITS.seconds
  );
}

function ofParts(parts: unknown): number {
  if (!isFields(parts) || Object.keys(parts).length === 0) throw invalid(`${shown(parts)} is no duration`, SUCH_AS);
  let total = 0;
  for (const [part, value] of Object.entries(parts)) {
    const unit = PARTS.find((one) => one === part);
    if (!unit) throw invalid(`a duration has no "${part}"`, `Its parts are ${PARTS.join(', ')}.`);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw invalid(`"${part}" of a duration must be a number from 0, not ${shown(value)}`, SUCH_AS);
    }
    total += value * UNITS[unit];
  }
  return total;
}

const SUCH_AS = 'Write PT30S, PT5M, PT2H, P3D, or parts such as { minutes: 5 }.';
const invalid = (message: string, remedy: string) => new PermanentError(message, { code: 'duration-invalid', remedy });
