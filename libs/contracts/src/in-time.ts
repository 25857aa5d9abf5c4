/** There was no answer in time, or not a good enough one: what became of the work is not known. */
export class LateError extends Error {}

/** @throws LateError when the work takes longer than `mostMs` milliseconds; it goes on all the same */
export async function inTime<T>(work: Promise<T>, mostMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`no answer in ${mostMs} ms`)), mostMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
