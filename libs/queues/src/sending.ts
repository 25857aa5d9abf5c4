import type { QueueName } from '@spillway/contracts';
import { currentTracing, errorTypeOf, measure, type RecordedSpan, type SpanLink } from '@spillway/observability';
import type { NewJob } from './redis/add-jobs';

const SYSTEM = 'bullmq';

/**
 * Adds a job and tells of it: a span, whose context goes into the job's options where BullMQ keeps it (and its workers look
 * for it), and how long it took until the job was durable.
 *
 * @param began W3C contexts of what the job goes back to beside what is active now: a replay's first way, a batch's parts
 * @param event W3C context of the job's event: goes on with it where nothing else is active (from the outbox, after a crash)
 */
export async function sending(
  queue: QueueName,
  job: NewJob,
  { began, event }: { began?: readonly string[]; event?: string },
  add: (job: NewJob) => Promise<string>,
): Promise<string> {
  const startedAt = performance.now();
  const span = spanOf(queue, job, { began, event }, startedAt);
  let failure = '';
  try {
    return await add(span ? { ...job, opts: { ...job.opts, telemetry: { metadata: carried(span) } } } : job);
  } catch (error) {
    failure = errorTypeOf(error);
    span?.fail(failure);
    throw error;
  } finally {
    span?.end();
    measure.operationDuration.record((performance.now() - startedAt) / 1_000, SYSTEM, queue, 'send', failure);
    if (!failure) measure.sent.add(1, SYSTEM, queue);
  }
}

function spanOf(queue: QueueName, job: NewJob, { began, event }: Parameters<typeof sending>[2], startedAt: number) {
  const tracing = currentTracing();
  if (!tracing) return undefined;
  const goesOn = !began && event !== undefined && !tracing.active();
  return tracing.start(`send ${queue}`, {
    kind: 'producer',
    startedAt,
    ...(goesOn && { parent: event }),
    ...(began && { links: began.map((traceparent): SpanLink => ({ traceparent, followed: true })) }),
    attributes: {
      'messaging.system': SYSTEM,
      'messaging.destination.name': queue,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.message.id': job.opts.jobId,
    },
  });
}

/** As `bullmq-otel` writes it. */
function carried({ traceparent, tracestate }: RecordedSpan): string {
  return JSON.stringify({ traceparent, ...(tracestate && { tracestate }) });
}
