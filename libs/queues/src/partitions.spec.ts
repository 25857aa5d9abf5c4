import { execFileSync } from 'node:child_process';
import { assert, integer, property, string } from 'fast-check';
import { groupOf, partitionOf, Partitions, Turns } from './partitions';

describe('the partition of a tenant', () => {
  it('is one of them, and the same whoever asks', () => {
    assert(
      property(string(), integer({ min: 1, max: 256 }), (tenant, count) => {
        const partition = partitionOf(tenant, count);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(count);
        const partitions = new Partitions('spillway', count);
        expect([partitions.of(tenant), partitions.of(tenant)]).toEqual([partition, partition]);
      }),
    );
  });

  it('stays what it was in earlier releases', () => {
    expect(['acme', 'globex', 'initech', 'ümlaut'].map((name) => partitionOf(name, 8))).toEqual([5, 5, 2, 6]);
  });

  it('can be worked out by hand', () => {
    const hex = execFileSync('sha256sum', { input: 'acme' }).toString().slice(0, 8);
    expect(Number.parseInt(hex, 16) % 8).toBe(partitionOf('acme', 8));
  });

  it('is spread evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let index = 0; index < 8_000; index += 1) counts[partitionOf(`tenant-${index}`, 8)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });

  it('is named only where there are several', () => {
    expect([groupOf('spillway', 0, 1), groupOf('spillway', 3, 8)]).toEqual(['spillway', 'spillway-3']);
  });
});

describe('turns', () => {
  it('go round, and pass over what did not answer until it may be back', () => {
    const turns = new Turns(new Partitions('spillway', 3));
    expect([turns.order(0), turns.order(0), turns.order(0)]).toEqual([
      [0, 1],
      [1, 2],
      [2, 0],
    ]);
    turns.failed(1, 0);
    expect([turns.order(1), turns.order(1), turns.order(1)]).toEqual([
      [0, 2],
      [2, 0],
      [2, 0],
    ]);
    expect(turns.order(10_000)[0]).toBe(0);
    expect(turns.order(10_000)[0]).toBe(1);
  });

  it('are the one partition, where there is one', () => {
    const turns = new Turns(new Partitions('spillway', 1));
    turns.failed(0, 0);
    expect(turns.order(1)).toEqual([0]);
  });
});
