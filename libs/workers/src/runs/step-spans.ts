import { beganIn, type Stepped } from '@spillway/flows';
import { activeSpan, currentTracing, measure, parseTraceparent } from '@spillway/observability';

/** Ways for a task to end that are told as failed. */
const FAILED = new Set(['faulted', 'cancelled']);

/**
 * Tells of a step of a run: a span for each task that ended in it, and, when something else than the run's own trace took it
 * on (a timer after a long wait, somebody's answer, another event), a link to the trace that the run began in.
 */
export function tellStep(stepped: Stepped): void {
  const { run, happenings, ended } = stepped;
  if (ended) measure.runsEnded.add(1, run.status);
  const span = activeSpan();
  const tracing = currentTracing();
  if (!span || !tracing) return;
  const began = parseTraceparent(beganIn(run));
  if (began && began.traceId !== span.segment.traceId) span.follow(began);
  for (const { what, task, at } of happenings) {
    if (!task || !(what === 'completed' || FAILED.has(what))) continue;
    // What began in an earlier step began then; its time on the clock says so.
    const startedAt = task.startedAt - performance.timeOrigin;
    const attributes = {
      'spillway.run.id': run.id,
      'spillway.flow': run.flow,
      'spillway.task.kind': task.kind,
      'spillway.task.path': task.path,
    };
    const one = tracing.start(`task ${task.name}`, { startedAt, attributes });
    // A flow may well handle it: it is no reason to keep the trace.
    if (FAILED.has(what)) one.setAttribute('error.type', what);
    one.end(Math.max(startedAt, at - performance.timeOrigin));
  }
}
