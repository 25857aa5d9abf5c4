import { loadConfig } from '@spillway/config';
import { errorClassOf, messageOf, type QueueName, SpillwayError, TransientError } from '@spillway/contracts';
import { traced } from '@spillway/observability';
import { openPlatform, type Platform } from '@spillway/runtime';
import { type Handler, type JobContext, type Outcome, subjectOf } from '@spillway/worker-kit';
import { handlerOf } from '../handlers';
import type { IsolationAnswer, IsolationRequest } from './isolation';

/** Takes jobs one at a time, each alone in this process. */
async function main(): Promise<void> {
  const platform = await openPlatform(loadConfig());
  const handlers = new Map<QueueName, Handler>();
  const handlerFor = (queue: QueueName): Handler => {
    const known = handlers.get(queue) ?? handlerOf(queue, platform).handler;
    handlers.set(queue, known);
    return known;
  };
  process.on('message', (request: IsolationRequest) => {
    void run(platform, handlerFor(request.queue), request)
      .then(
        (outcome): IsolationAnswer => ({ outcome }),
        (error: unknown): IsolationAnswer => ({ error: describe(error) }),
      )
      .then(async (answer) => {
        // Once it has answered it may be ended.
        await platform.telemetry.flush();
        say(answer);
      });
  });
  say({ ready: true });
}

function run(platform: Platform, handler: Handler, request: IsolationRequest): Promise<Outcome> {
  const { queue, job, traceparent } = request;
  const attributes = { 'messaging.destination.name': queue, 'messaging.message.id': job.id };
  return traced(`isolated ${queue}`, { parent: traceparent, attributes }, () => handle(platform, handler, request));
}

async function handle(platform: Platform, handler: Handler, { queue, job }: IsolationRequest): Promise<Outcome> {
  const timeout = AbortSignal.timeout(job.timeoutMs);
  const { tenant, eventId: event } = subjectOf(job.data);
  const context: JobContext<never> = {
    ...job,
    queue,
    data: job.data as never,
    interrupted: true,
    isFirst: false,
    isOnTheSpot: false,
    signal: timeout,
    log: platform.log.child({ queue, job: job.id, tenant, event, attempt: job.attempt, isolated: true }),
  };
  const late = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () =>
      reject(new TransientError(`the attempt took longer than ${job.timeoutMs} ms`, { code: 'attempt-timed-out' })),
    );
  });
  return Promise.race([handler.handle(context), late]);
}

function describe(error: unknown) {
  const known = error instanceof SpillwayError ? error : undefined;
  return {
    message: messageOf(error),
    code: known?.code ?? 'unexpected',
    class: errorClassOf(error),
    retryAfterMs: known?.retryAfterMs,
    details: known?.details,
  };
}

function say(answer: IsolationAnswer): void {
  process.send?.(answer);
}

// Without the worker nobody waits for the answer.
process.on('disconnect', () => process.exit(0));

void main();
