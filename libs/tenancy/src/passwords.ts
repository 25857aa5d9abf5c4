import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

interface Cost {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
}

/** OWASP's password storage cheat sheet (2025): argon2id with 19 MiB, two passes, one lane. About 35 ms. */
const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const HASH_BYTES = 32;
const SCRYPT_MEMORY = 256 * 1024 * 1024;

const derive = promisify(argon2);
const deriveScrypt = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** @returns a PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), to be stored */
export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await argon2id(password, salt, cost, HASH_BYTES);
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Also against the scrypt hashes of earlier versions. */
export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const phc = parsePhc(stored);
  if (phc) return timingSafeEqual(await argon2id(password, phc.salt, phc.cost, phc.hash.length), phc.hash);
  const [scheme, n, r, p, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64');
  const cost = { N: Number(n), r: Number(r), p: Number(p), maxmem: SCRYPT_MEMORY };
  return timingSafeEqual(await deriveScrypt(password, Buffer.from(salt, 'base64'), expected.length, cost), expected);
}

/** Whether a hash was made in another way than it would be today: then make it anew while the password is at hand. */
export function isOutdated(stored: string): boolean {
  const cost = parsePhc(stored)?.cost;
  return !cost || cost.memory < COST.memory || cost.passes < COST.passes;
}

function argon2id(password: string, salt: Buffer, cost: Cost, tagLength: number): Promise<Buffer> {
  return derive('argon2id', { message: password.normalize('NFKC'), nonce: salt, tagLength, ...cost });
}

function parsePhc(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } | undefined {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored);
  if (!match) return undefined;
  const [, memory, passes, parallelism, salt, hash] = match;
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt!, 'base64'),
    hash: Buffer.from(hash!, 'base64'),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
