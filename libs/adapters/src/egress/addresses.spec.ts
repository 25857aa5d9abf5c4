import * as fc from 'fast-check';
import { addressOf, specialKind } from './addresses';
import { AllowList } from './allow-list';

const kindOf = (text: string) => specialKind(addressOf(text)!);

it.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.3.4', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local'],
  ['100.64.0.1', 'carrier-grade NAT'],
  ['100.100.100.200', 'carrier-grade NAT'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['240.0.0.1', 'reserved'],
  ['192.0.0.192', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['203.0.113.7', 'reserved'],
  ['168.63.129.16', 'metadata'],
  // The same, as others write it.
  ['2130706433', 'loopback'],
  ['0x7f000001', 'loopback'],
  ['0x7f.1', 'loopback'],
  ['017700000001', 'loopback'],
  ['0177.0.0.1', 'loopback'],
  ['127.1', 'loopback'],
  ['0xa9fea9fe', 'link-local'],
  ['2852039166', 'link-local'],
  ['::1', 'loopback'],
  ['[::1]', 'loopback'],
  ['::', 'unspecified'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['fec0::1', 'reserved'],
  ['fc00::1', 'unique-local'],
  ['fd00:ec2::254', 'unique-local'],
  ['ff02::1', 'multicast'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'link-local'],
  ['0:0:0:0:0:ffff:10.0.0.1', 'private'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b:1::1', 'reserved'],
  ['::127.0.0.1', 'loopback'],
  ['2002:7f00:1::', 'reserved'],
  ['2001::1', 'reserved'],
  ['2001:db8::1', 'reserved'],
  ['4000::1', 'reserved'],
])('%s is %s', (text, kind) => {
  expect(kindOf(text)).toBe(kind);
});

it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
  '%s is public',
  (text) => {
    expect(kindOf(text)).toBeUndefined();
  },
);

it.each(['localhost', 'example.com', '', 'a.b', '1.2.3.4.5', '[::1', '::g'])('%j is no address', (text) => {
  expect(addressOf(text)).toBeUndefined();
});

const octet = fc.integer({ min: 0, max: 255 });

it('says the same of an address in every spelling', () => {
  fc.assert(
    fc.property(octet, octet, octet, octet, (a, b, c, d) => {
      const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      const hex = number.toString(16).padStart(8, '0');
      const dotted = `${a}.${b}.${c}.${d}`;
      const spellings = [
        String(number),
        `0x${hex}`,
        `0${number.toString(8)}`,
        `0x${a.toString(16)}.0x${b.toString(16)}.0x${c.toString(16)}.0x${d.toString(16)}`,
        `0${a.toString(8)}.0${b.toString(8)}.0${c.toString(8)}.0${d.toString(8)}`,
        `::ffff:${dotted}`,
        `::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`,
        `64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}`,
        // As a URL reads it.
        new URL(`http://${number}/`).hostname,
      ];
      for (const spelling of spellings) expect([spelling, kindOf(spelling)]).toEqual([spelling, kindOf(dotted)]);
    }),
  );
});

it('calls no address of the ranges that are nobody’s public', () => {
  // Written out here again, by hand, against the library's table.
  const special = (a: number, b: number, c: number) =>
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && (b === 18 || b === 19)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113);
  const first = fc.oneof(octet, fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 224));
  const second = fc.oneof(octet, fc.constantFrom(0, 16, 18, 51, 64, 168, 254));
  fc.assert(
    fc.property(first, second, octet, octet, (a, b, c, d) => {
      if (special(a, b, c)) expect(kindOf(`${a}.${b}.${c}.${d}`)).toBeDefined();
    }),
  );
});

describe('what an operator allows', () => {
  const list = AllowList.parse([
    '10.0.0.0/8',
    '192.168.1.7:8443',
    'n8n.internal:5678',
    '*.svc.example',
    '[fd00::/8]:443',
    '::1',
  ]);
  const allows = (text: string, port: number) => list.allowsAddress(addressOf(text)!, port);

  it('is a range, an address or a name, on one port or on all', () => {
    expect([allows('10.9.9.9', 80), allows('::ffff:10.9.9.9', 1), allows('11.0.0.1', 80)]).toEqual([true, true, false]);
    expect([allows('192.168.1.7', 8_443), allows('192.168.1.7', 443)]).toEqual([true, false]);
    expect([allows('fd00::5', 443), allows('fd00::5', 80), allows('::1', 9)]).toEqual([true, false, true]);
    expect([list.allowsHost('N8N.internal.', 5_678), list.allowsHost('n8n.internal', 80)]).toEqual([true, false]);
    expect([list.allowsHost('a.b.svc.example', 1), list.allowsHost('svc.example', 1)]).toEqual([true, false]);
    expect(list.allowsHost('evilsvc.example', 1)).toBe(false);
  });

  it.each([
    '10.0.0.0/33',
    'http://x',
    'a b',
    '*',
    'x:0',
    'x:70000',
    '[x]:1',
    '',
    '10.0.0.0/8/8',
    'fd00::1:::',
    '2130706433/8x',
  ])('is not %j', (text) => {
    expect(() => AllowList.parse([text])).toThrow(/is not an address/);
  });
});
