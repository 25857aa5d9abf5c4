import { TransientError } from '@spillway/contracts';
import type { EffectStore } from '@spillway/persistence';
import { once } from './once';

/** Effects in memory, away for a number of records. */
function effects(away = 0) {
  const known = new Map<string, unknown>();
  let left = away;
  return {
    known,
    find: (key: string) => Promise.resolve(known.has(key) ? { result: known.get(key) } : undefined),
    record: async ({ key, result }: { key: string; result: unknown }) => {
      left -= 1;
      if (left >= 0) throw new TransientError('away', { code: 'records-unavailable' });
      known.set(key, result);
    },
  } as unknown as EffectStore & { known: Map<string, unknown> };
}

const context = { id: 'job', tenant: 'acme', interrupted: false, deaths: 0, signal: new AbortController().signal };

describe('an outside action', () => {
  it('is recorded under the id of its job, and not done again', async () => {
    const store = effects();
    const perform = jest.fn(() => Promise.resolve('sent'));
    expect(await once(store, context, perform)).toEqual({ result: 'sent', recorded: false, repeat: false });
    expect(await once(store, context, perform)).toEqual({ result: 'sent', recorded: true, repeat: false });
    expect(perform.mock.calls).toEqual([['job']]);
  });

  it('that cannot be recorded at once is not done again for that: its record is tried again', async () => {
    const store = effects(2);
    const perform = jest.fn(() => Promise.resolve('sent'));
    expect(await once(store, context, perform)).toMatchObject({ result: 'sent', repeat: false });
    expect(perform).toHaveBeenCalledTimes(1);
    expect(store.known.get('job')).toBe('sent');
  });

  it('says that it was done when it could not be recorded at all', async () => {
    const over = AbortSignal.abort();
    const done = once(effects(1_000), { ...context, signal: over }, () => Promise.resolve('sent'));
    await expect(done).rejects.toMatchObject({ code: 'effect-unrecorded', class: 'transient' });
  });

  it('is a repeat after an attempt that was cut off, and may have been one after two', async () => {
    const store = effects();
    const perform = () => Promise.resolve('sent');
    expect(await once(store, { ...context, interrupted: true, deaths: 1 }, perform)).toMatchObject({ repeat: true });
    const recorded = await once(store, { ...context, interrupted: true, deaths: 2 }, perform);
    expect(recorded).toEqual({ result: 'sent', recorded: true, repeat: true });
  });
});
