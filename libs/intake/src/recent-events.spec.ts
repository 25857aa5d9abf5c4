import fc from 'fast-check';
import { RecentEvents } from './recent-events';

describe('recent events', () => {
  it('are the newest of those that were kept, each with its last event', () => {
    const steps = fc.array(fc.tuple(fc.nat(12), fc.nat(1_000)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (most, kept) => {
        const recent = new RecentEvents(most);
        let model: [key: string, event: string][] = [];
        for (const [number, event] of kept) {
          const key = `key ${number}`;
          recent.keep(key, `event ${event}`);
          const known = model.find(([one]) => one === key);
          if (known) known[1] = `event ${event}`;
          else model = [...model, [key, `event ${event}`] as [string, string]].slice(-most);
          const names = Array.from({ length: 13 }, (_, one) => `key ${one}`);
          const wanted = names.map((name) => model.find(([one]) => one === name)?.[1]);
          expect([recent.size, ...names.map((name) => recent.get(name))]).toEqual([model.length, ...wanted]);
          expect(names.map((name) => recent.has(name))).toEqual(wanted.map((event) => event !== undefined));
        }
      }),
    );
  });
});
