import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import {
  chain,
  ChainCheck,
  type ChainedEntry,
  type ChainHead,
  GENESIS,
  hashOfEntry,
  type UnchainedEntry,
} from './chain';

const signer = {
  sign: (text: string) => createHmac('sha256', 'key').update(text).digest('hex'),
  verify: (text: string, mac: string) => signer.sign(text) === mac,
};

const text = fc.string({ maxLength: 8 });
const entry: fc.Arbitrary<UnchainedEntry> = fc.record({
  id: fc.uuid(),
  at: fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString()),
  actor: text,
  actorId: fc.option(text),
  action: text,
  tenant: fc.option(text),
  target: text,
  details: fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
  address: fc.option(text),
  userAgent: fc.option(text),
  outcome: fc.constantFrom('done', 'refused', 'failed'),
});
const chains = fc.array(entry, { minLength: 1, maxLength: 12 }).map((entries) => chain(entries, GENESIS, signer));

function check(entries: ChainedEntry[], marks: ChainHead[] = [], verifier: typeof signer | undefined = signer) {
  const walk = new ChainCheck(GENESIS, marks, verifier);
  for (const one of entries) walk.next(one);
  walk.end();
  return walk.problems;
}

const headOf = (entries: ChainedEntry[]) => entries.at(-1)!;

/** One change to a chain, of whatever kind. */
type Mutation = (entries: ChainedEntry[], at: number, other: UnchainedEntry) => ChainedEntry[];

const FIELDS = [
  'id',
  'at',
  'actor',
  'actorId',
  'action',
  'tenant',
  'target',
  'details',
  'address',
  'userAgent',
] as const;
const MUTATIONS: Record<string, Mutation> = {
  ...Object.fromEntries(
    [...FIELDS, 'outcome', 'prev', 'hash', 'mac'].map((field): [string, Mutation] => [
      `another ${field}`,
      (entries, at) =>
        entries.map((one, index) => (index === at ? { ...one, [field]: `${String(one[field as 'id'])}x` } : one)),
    ]),
  ),
  'another seq': (entries, at) => entries.map((one, index) => (index === at ? { ...one, seq: one.seq + 1 } : one)),
  removed: (entries, at) => entries.filter((_, index) => index !== at),
  doubled: (entries, at) => entries.toSpliced(at, 0, entries[at]!),
  'inserted, with hashes that fit and a signature that does not': (entries, at, other) => {
    const before = entries[at - 1] ?? GENESIS;
    const forged = chain([other], before, { sign: () => 'forged' });
    return entries.toSpliced(at, 0, ...forged);
  },
  'changed, with all hashes made anew but without the key': (entries, at) => {
    const kept = entries.slice(0, at);
    const rest = entries.slice(at).map((one, index) => (index === 0 ? { ...one, actor: `${one.actor}x` } : one));
    return [...kept, ...chain(rest, kept.at(-1) ?? GENESIS, { sign: () => 'forged' })];
  },
};

describe('the chain of the audit log', () => {
  it('finds nothing wrong with what was written', () => {
    fc.assert(fc.property(chains, (entries) => check(entries, [headOf(entries)]).length === 0));
  });

  it.each(Object.entries(MUTATIONS))('finds an entry that is %s', (_, mutate) => {
    fc.assert(
      fc.property(chains, fc.nat(), entry, (entries, place, other) => {
        const at = place % entries.length;
        // The operator keeps the head: without it a removed tail looks like a shorter log.
        return check(mutate(entries, at, other), [headOf(entries)]).length > 0;
      }),
      { numRuns: 60 },
    );
  });

  it('finds two entries that changed places', () => {
    fc.assert(
      fc.property(chains, fc.nat(), fc.nat(), (entries, one, two) => {
        const [a, b] = [one % entries.length, two % entries.length];
        fc.pre(a !== b);
        const swapped = entries.with(a, entries[b]!).with(b, entries[a]!);
        const renumbered = swapped.map((item, index) => ({ ...item, seq: index + 1 }));
        return check(swapped).length > 0 && check(renumbered).length > 0;
      }),
    );
  });

  it('finds a tail that was cut off, by an anchor that was kept elsewhere', () => {
    fc.assert(
      fc.property(chains, fc.nat(), (entries, place) => {
        const cut = entries.slice(0, place % entries.length);
        return check(cut).length === 0 && check(cut, [headOf(entries)]).some(({ what }) => what === 'truncated');
      }),
    );
  });

  it('finds a whole new chain by an anchor, also where nobody has the key', () => {
    const entries = chain([anEntry('a'), anEntry('b')], GENESIS, signer);
    const other = chain([anEntry('a'), anEntry('c')], GENESIS, signer);
    expect(check(other, [headOf(entries)], undefined)).toEqual([
      { seq: 2, what: 'anchor', message: 'entry 2 has another hash than it had' },
    ]);
  });

  it('begins where an anchor of the retention says', () => {
    const entries = chain(['a', 'b', 'c'].map(anEntry), GENESIS, signer);
    const walk = new ChainCheck(entries[0]!, [], signer);
    for (const one of entries.slice(1)) walk.next(one);
    expect(walk.problems).toEqual([]);
    expect(hashOfEntry(entries[2]!)).toBe(walk.head.hash);
  });

  function anEntry(actor: string): UnchainedEntry {
    return {
      id: '00000000-0000-7000-8000-000000000000',
      at: new Date(0).toISOString(),
      actor,
      actorId: null,
      action: 'x',
      tenant: null,
      target: '',
      details: '{}',
      address: null,
      userAgent: null,
      outcome: 'done',
    };
  }
});
