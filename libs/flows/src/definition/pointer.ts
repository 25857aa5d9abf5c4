/** A JSON pointer (RFC 6901) to a child; the empty string is the whole document. */
export function pointerTo(parent: string, ...keys: (string | number)[]): string {
  return keys.reduce<string>((path, key) => `${path}/${escape(String(key))}`, parent);
}

export function segmentsOf(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const escape = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
