interface Known {
  name?: string;
  code?: unknown;
  class?: unknown;
  message?: string;
  stack?: string;
  cause?: unknown;
}

/** Causes of causes. */
const MOST_DEPTH = 5;

/**
 * An error as a log line has it: what it is and where it came from, never its message. That may repeat what a third party
 * answered, what a template made of an event, or a row of the database; the dead letter has it, for those who may see it.
 */
export function errorFields(error: unknown, depth = 0): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { name, code, class: kind, cause } = error as Known;
  const stack = framesOf(error);
  return {
    type: error.constructor.name || name || 'Error',
    ...(typeof code === 'string' && { code }),
    ...(typeof kind === 'string' && { class: kind }),
    ...(stack && { stack }),
    ...(cause instanceof Error && depth < MOST_DEPTH && { cause: errorFields(cause, depth + 1) }),
  };
}

function framesOf({ stack = '', message = '' }: Known): string {
  const rest = message ? stack.replace(message, () => '') : stack;
  return rest
    .split('\n')
    .filter((line) => /^\s+at (?:.*\()?(?:node:|file:|\/|[A-Za-z]:\\|<anonymous>|async )/.test(line))
    .map((line) => line.trim())
    .join('\n');
}
