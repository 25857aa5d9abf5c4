import { loadConfig } from '@spillway/config';
import { errorClassOf, messageOf, type QueueName, SpillwayError, TransientError } from '@spillway/contracts';
import { openPlatform } from '@spillway/runtime';
import type { JobContext, Outcome } from '@spillway/worker-kit';
import { handlerOf } from '../handlers';
import type { IsolationAnswer, IsolationRequest } from './isolate';

/** One job, alone in this process. */
process.once('message', (request: IsolationRequest) => {
  void run(request)
    .then(
      (outcome): IsolationAnswer => ({ outcome }),
      (error: unknown): IsolationAnswer => ({ error: describe(error) }),
    )
    .then((answer) => process.send!(answer, () => process.exit(0)));
});

async function run({ queue, job }: IsolationRequest): Promise<Outcome> {
  const platform = await openPlatform(loadConfig());
  const { handler } = handlerOf(queue, platform);
  const timeout = AbortSignal.timeout(job.timeoutMs);
  const context: JobContext<never> = {
    ...job,
    queue,
    data: job.data as never,
    interrupted: true,
    signal: timeout,
    log: platform.log,
  };
  const late = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () =>
      reject(new TransientError(`the attempt took longer than ${job.timeoutMs} ms`, { code: 'attempt-timed-out' })),
    );
  });
  return Promise.race([handler.handle(context as JobContext<never> & { queue: QueueName }), late]);
}

function describe(error: unknown) {
  const known = error instanceof SpillwayError ? error : undefined;
  return {
    message: messageOf(error),
    code: known?.code ?? 'unexpected',
    class: errorClassOf(error),
    retryAfterMs: known?.retryAfterMs,
  };
}
