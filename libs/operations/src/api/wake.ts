import { wakeUp } from '@spillway/flows';
import type { Platform } from '@spillway/runtime';

/** Lets a worker look at a run. @param why the same reason twice is one job */
export async function wake(platform: Platform, runId: string, why: string): Promise<void> {
  const [stored] = await platform.runs.load([runId]);
  const job = wakeUp(stored!.run, why);
  await platform.queues.add('orchestration-flows', job.data, { id: job.id, priority: job.data.meta.priority });
}
