import { type IPv4, type IPv6, isValid, parse } from 'ipaddr.js';

/** Public by their number, but a cloud's own: Azure's wire server answers on it inside every virtual machine. */
const CLOUDS_OWN = new Set(['168.63.129.16']);

const WORDS: Record<string, string> = {
  unspecified: 'unspecified',
  broadcast: 'broadcast',
  multicast: 'multicast',
  linkLocal: 'link-local',
  loopback: 'loopback',
  carrierGradeNat: 'carrier-grade NAT',
  private: 'private',
  uniqueLocal: 'unique-local',
};

/** An address as its family means it: IPv4 inside IPv6 (mapped, NAT64) is IPv4. */
export type Address = IPv4 | IPv6;

/**
 * Reads an address in any spelling a C library takes: dotted, decimal, octal, hexadecimal, with a zone, in brackets.
 *
 * @returns undefined for what is no address but a name
 */
export function addressOf(text: string): Address | undefined {
  const bare = text.replace(/^\[(.*)\]$/s, '$1');
  return isValid(bare) ? unwrapped(parse(bare)) : undefined;
}

/** RFC 4291 §2.5.5.2 (mapped) and RFC 6052 §2.1 (the well-known NAT64 prefix) end in the address that is meant. */
function unwrapped(address: Address): Address {
  if (address.kind() === 'ipv4') return address;
  const six = address as IPv6;
  if (six.isIPv4MappedAddress()) return six.toIPv4Address();
  const [a, b, c, d, e, f, high, low] = six.parts as [number, number, number, number, number, number, number, number];
  const nat64 = a === 0x64 && b === 0xff9b && !c && !d && !e && !f;
  return nat64 ? parse(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`) : six;
}

/**
 * What kind of address it is, where it is none of the public internet's: IANA's special-purpose registries, and what
 * clouds answer on. Only IPv6 that has been handed out (2000::/3) is public.
 *
 * @returns undefined for a public address
 */
export function specialKind(address: Address): string | undefined {
  const range = address.range();
  if (range !== 'unicast') return WORDS[range] ?? 'reserved';
  if (CLOUDS_OWN.has(address.toString())) return 'metadata';
  const handedOut = address.kind() === 'ipv4' || ((address as IPv6).parts[0]! & 0xe000) === 0x2000;
  return handedOut ? undefined : 'reserved';
}
