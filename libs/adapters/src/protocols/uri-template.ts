import { refuse } from './failure';

const VARIABLE = /\{([^{}]*)\}/g;
const DOTS = /^(?:\.|%2e){1,2}$/i;

/**
 * Expands `{name}` from the top-level properties of the input, percent-encoded: the part of RFC 6570 the DSL knows
 * ("URI Template" in the reference: names are taken verbatim, a missing one is the empty text).
 *
 * @throws PermanentError `uri-template-invalid` (DSL type `expression`) for a value that is no text, number, boolean or
 * null, or one that would move the path upwards
 */
export function expandUriTemplate(template: string, input: unknown): string {
  if (!template.includes('{')) return template;
  const variables = typeof input === 'object' && input ? (input as Record<string, unknown>) : {};
  const expanded = template.replace(VARIABLE, (_, name: string) =>
    encodeVariable(name, Object.hasOwn(variables, name) ? variables[name] : undefined),
  );
  // RFC 6570 leaves dots alone, and URL parsers then walk up with them: input must not choose another resource.
  if (segments(expanded).some((part) => DOTS.test(part)) && !segments(template).some((part) => DOTS.test(part))) {
    throw invalid(`a variable of ${template} makes a path segment of dots`);
  }
  return expanded;
}

function encodeVariable(name: string, value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return '';
    case 'string':
    case 'number':
    case 'boolean':
      return percentEncode(String(value));
    default:
      if (value === null) return '';
      throw invalid(`the variable {${name}} of the URI is ${Array.isArray(value) ? 'an array' : 'an object'}`);
  }
}

/** RFC 3986: everything but unreserved characters. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function segments(uri: string): string[] {
  return uri.replace(/[?#].*$/s, '').split(/[/\\]/);
}

function invalid(message: string) {
  return refuse('expression', 'uri-template-invalid', message, 'Give text, a number, a boolean or null.');
}
