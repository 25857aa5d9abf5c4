import { segmentsOf } from './pointer';

/** Something wrong in a definition. */
export interface Problem {
  /** JSON pointer to the task or field, such as `/do/0/charge/with/endpoint`. */
  path: string;
  /** What is wrong, on one line. */
  message: string;
  /** What to do about it, one sentence. */
  remedy: string;
  /** A flow with an error is not taken; one with warnings is. */
  severity: 'error' | 'warning';
}

export function errorAt(path: string, message: string, remedy: string): Problem {
  return { path, message: oneLine(message), remedy: oneLine(remedy), severity: 'error' };
}

export function warningAt(path: string, message: string, remedy: string): Problem {
  return { ...errorAt(path, message, remedy), severity: 'warning' };
}

const oneLine = (text: string) => text.replace(/\s*[\r\n]+\s*/g, ' ');

/** Under these, an item of a list is a task with a name. */
const LISTS = new Set(['do', 'try', 'branches', 'before', 'after', 'compensate']);

/** A pointer in words: `task "charge"`, `"with.endpoint" of task "charge"`, `"schedule.cron"`, `the flow`. */
export function placeOf(path: string): string {
  const segments = segmentsOf(path);
  if (segments.length === 0) return 'the flow';
  const { what, rest } = ownerOf(segments);
  if (rest.length === 0) return what!;
  const item = /^\d+$/.test(rest.at(-1)!) && rest.length > 1 ? `item ${Number(rest.pop()) + 1} of ` : '';
  return `${item}"${rest.join('.')}"${what ? ` of ${what}` : ''}`;
}

function ownerOf(segments: string[]): { what?: string; rest: string[] } {
  for (let index = segments.length - 1; index >= 2; index -= 1) {
    if (/^\d+$/.test(segments[index - 1]!) && LISTS.has(segments[index - 2]!)) {
      return { what: `task "${segments[index]}"`, rest: segments.slice(index + 1) };
    }
  }
  if (segments.length > 2 && segments[0] === 'use' && segments[1] === 'functions') {
    return { what: `function "${segments[2]}"`, rest: segments.slice(3) };
  }
  return { rest: segments };
}
