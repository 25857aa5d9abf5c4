import { callAt, plannedCall, queueOfCall } from '@spillway/flows';
import type { RunRow } from '@spillway/persistence';
import type { NewFact } from '@spillway/queues';
import { between, type Platform } from '@spillway/runtime';
import { doneFact } from '@spillway/worker-kit';
import { RunPublisher } from './run-publisher';
import { heldMs, remake } from './sweep';

const MOST_UNTOLD = 1_000;

/**
 * Does for a run what a worker that died had still to do. Its job, which has come back, was done, but it may have died over what
 * that led to and it did on the spot: calls under way are made again, and the ledger hears of those that were answered.
 *
 * @throws TransientError `records-unavailable`, `queues-unavailable`
 */
export async function afterCrash(platform: Platform, runId: string): Promise<void> {
  const publisher = new RunPublisher(platform);
  // What is younger is somebody's who lives.
  const before = new Date(Date.now() - heldMs(platform));
  const open = (await platform.runs.commandsOf(runId)).filter(({ at }) => at < before);
  for (const command of open) await between('remaking', () => remake(platform, publisher, command));
  const [loaded] = await platform.runs.load([runId]);
  if (loaded) await platform.facts.record(await untold(platform, loaded.run, before));
}

async function untold({ runs }: Platform, run: RunRow, before: Date): Promise<NewFact[]> {
  const { id, tenant, hash, eventId, route } = run;
  const tasks = await runs.untoldTasks(id, before, MOST_UNTOLD);
  if (tasks.length === 0) return [];
  const definition = await runs.definition(tenant, hash);
  return tasks.flatMap(({ node, path, startedAt, endedAt }): NewFact[] => {
    const call = callAt(definition, path);
    if (call === undefined) return [];
    const queue = queueOfCall(call);
    const job = plannedCall(`${id}.${node}`, queue, route, { id, path });
    const durationMs = endedAt.getTime() - startedAt.getTime();
    const about = { tenant, eventId, jobId: job.id, queue };
    return [doneFact(about, { attempt: 1, durationMs, recorded: true }, { job, at: startedAt.getTime() })];
  });
}
