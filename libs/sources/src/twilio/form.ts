import type { InboundRequest } from '../provider';

export function isForm(request: InboundRequest): boolean {
  return String(request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
}

/** A form's fields; a repeated one is a list. `Object.fromEntries` makes own properties, whatever they are called. */
export function formOf(request: InboundRequest): Record<string, string | string[]> {
  const form = new URLSearchParams(request.rawBody.toString('utf8'));
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}
