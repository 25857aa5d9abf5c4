/**
 * Bytes as text, as jq reads them (`jvp_utf8_next`): what is no UTF-8 becomes U+FFFD, one for a sequence that is too
 * long for its value, for a surrogate and for what is cut off, where WHATWG's decoder has one for each byte.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return lenient(bytes);
  }
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000];

function lenient(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { point, length } = next(bytes, at);
    parts.push(point < 0 ? '\ufffd' : String.fromCodePoint(point));
    at += length;
  }
  return parts.join('');
}

/** The code point, -1 when it is none, and the bytes that it takes. */
function next(bytes: Uint8Array, at: number): { point: number; length: number } {
  const first = bytes[at]!;
  if (first < 0x80) return { point: first, length: 1 };
  const length = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length === 0) return { point: -1, length: 1 };
  if (length > bytes.length - at) return { point: -1, length: bytes.length - at };
  let point = first & (0x7f >> length);
  for (let step = 1; step < length; step += 1) {
    const byte = bytes[at + step]!;
    if ((byte & 0xc0) !== 0x80) return { point: -1, length: step };
    point = (point << 6) | (byte & 0x3f);
  }
  const wrong = point < SMALLEST[length]! || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff;
  return { point: wrong ? -1 : point, length };
}
