import { PermanentError, TransientError } from '@spillway/contracts';

/** Why an attempt was aborted: its reason is thrown in its stead. */
export class AttemptSignal {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    this.timer = setTimeout(() => this.controller.abort(timedOut(timeoutMs)), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  cancel(): void {
    this.controller.abort(cancelled());
  }

  /**
   * Waits for the work, or for the abort: work that does not listen to its signal cannot hold the job for ever.
   */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.controller;
    let listener: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      listener = () => reject(signal.reason as Error);
      signal.addEventListener('abort', listener, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } catch (error) {
      // A call that was aborted throws its own AbortError; the reason says more.
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', listener!);
      clearTimeout(this.timer);
    }
  }
}

/** An operator, or its run, does not want it any more. */
export function cancelled(): PermanentError {
  return new PermanentError('the job was cancelled by an operator', { code: 'job-cancelled' });
}

function timedOut(timeoutMs: number): TransientError {
  return new TransientError(`the attempt took longer than ${timeoutMs} ms`, { code: 'attempt-timed-out' });
}
