const SHORTEST = 4;

/**
 * Makes a function that blanks secrets in text: other people's servers like to repeat what they were sent, and error
 * messages are stored and shown. Values shorter than 4 characters stay, since blanking them would blank half the text.
 */
export function redactor(...values: unknown[]): (text: string) => string {
  const found = new Set<string>();
  for (const value of values) collect(value, found);
  // The longest first: a secret may be part of another.
  const ordered = [...found].sort((one, other) => other.length - one.length);
  return (text) => ordered.reduce((result, secret) => result.replaceAll(secret, '***'), text);
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length >= SHORTEST) found.add(value);
    if (/^\s*[[{]/.test(value)) collect(parsed(value), found);
    const encoded = encodeURIComponent(value);
    if (encoded !== value && value.length >= SHORTEST) found.add(encoded);
  } else if (typeof value === 'object' && value) {
    for (const member of Object.values(value)) collect(member, found);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
