import { hash, randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(10 * 256);
/** The same in hex: one call for 256 ids. */
let poolHex = '';
let used = pool.length;
let lastMs = 0;
/** `lastMs` as an id begins with it: 8 and 4 digits. */
let timeHex = '';
let sequence = 0;

/**
 * A UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then a 12-bit counter, then 62 random bits.
 * Ids made in one process sort in the order in which they were made, so an index on them stays warm.
 */
export function newId(now: number = Date.now()): string {
  const start = startOfId(now);
  const variant = ((pool[used + 2]! & 0x3f) | 0x80).toString(16);
  const random = poolHex.slice(2 * used + 6, 2 * used + 20);
  used += 10;
  return `${start}${variant}${random.slice(0, 2)}-${random.slice(2)}`;
}

/** Time, version and counter: the first 19 characters. What comes behind them is random, from `used` on. */
function startOfId(now: number): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    poolHex = pool.toString('hex');
    used = 0;
  }
  if (now > lastMs) {
    setTime(now);
    sequence = pool.readUInt16BE(used) & 0x7ff;
  } else if (++sequence > 0xfff) {
    setTime(lastMs + 1);
    sequence = 0;
  }
  return `${timeHex}-7${sequence.toString(16).padStart(3, '0')}-`;
}

function setTime(ms: number): void {
  lastMs = ms;
  const hex = ms.toString(16).padStart(12, '0');
  timeHex = `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * The id of an event: a UUIDv7 of which 30 of the random bits are the start of the body's SHA-256. So the id that a
 * deduplication key points at tells, without another look-up, whether the first delivery had the same content.
 *
 * @param bodySha256 hex
 */
export function newEventId(bodySha256: string, now: number = Date.now()): string {
  const start = startOfId(now);
  const random = poolHex.slice(2 * used + 11, 2 * used + 20);
  used += 10;
  return start + contentMark(bodySha256) + random;
}

/** Whether an event id was made for this body; wrong once in 2^30 for different bodies. */
export function isIdOfContent(eventId: string, bodySha256: string): boolean {
  return eventId.slice(19, 27) === contentMark(bodySha256);
}

/** The variant bits, then 30 bits of the digest, in the layout of a UUID from its 20th character on. */
function contentMark(bodySha256: string): string {
  const variant = ((Number.parseInt(bodySha256.slice(0, 1), 16) & 0x3) | 0x8).toString(16);
  return `${variant}${bodySha256.slice(1, 4)}-${bodySha256.slice(4, 7)}`;
}

/** When an id of {@link newId} was made, in Unix milliseconds; undefined for any other string. */
export function timeOfId(id: string): number | undefined {
  return isId(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isId(value: string): boolean {
  return ID.test(value);
}

/** SHA-256 in hex: the digest that deduplication and collision records use. */
export function sha256(bytes: Buffer | string): string {
  return hash('sha256', bytes, 'hex');
}
