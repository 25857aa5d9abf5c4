import { type CallCommand, type Command, isCall, queueOfCall, wakeUp } from '@spillway/flows';
import type { OpenCommand } from '@spillway/persistence';
import { between, type Platform } from '@spillway/runtime';
import { endedFact, NEAR_MS, RunPublisher } from './run-publisher';

const PAGE = 500;

/**
 * Sets the timers of runs that are due soon, and wakes those that should have been woken (docs/architecture.md,
 * "Runs"): what a crash or the loss of the queues left between a stored step and its jobs. Runs that only wait cost
 * nothing here.
 *
 * @param olderThanMs what is younger is taken to be on its way
 */
export async function sweepRuns(platform: Platform, olderThanMs: number): Promise<{ woken: number; remade: number }> {
  const publisher = new RunPublisher(platform);
  const now = Date.now();
  const soon = await platform.runs.due(new Date(now - olderThanMs), new Date(now + NEAR_MS), PAGE);
  await publisher.add(soon.map((run) => wakeUp(run, `t${run.seq}`, Math.max(0, run.wakeAt.getTime() - now))));
  const overdue = await platform.runs.overdue(new Date(now - olderThanMs), PAGE);
  // Another sweep a moment later is no new reason; one after that is.
  const why = `s${Math.floor(now / Math.max(1_000, olderThanMs))}`;
  await publisher.add(overdue.map((run) => wakeUp(run, why)));
  const stale = await platform.runs.commandsBefore(new Date(now - Math.max(olderThanMs, heldMs(platform))), PAGE);
  let remade = 0;
  // After an outage those who are at a call say so first.
  const isBack = now - (lookedAt.get(platform) ?? now) > heldMs(platform) + 2 * platform.config.reconcile.everyMs;
  lookedAt.set(platform, now);
  for (const command of isBack ? [] : stale) {
    if (await between('remaking', () => remake(platform, publisher, command))) remade += 1;
  }
  if (!isBack) await platform.runs.touchCommands(stale);
  await tellEnded(platform, now - olderThanMs);
  return { woken: overdue.length, remade };
}

/**
 * Who makes a call on the spot says so twice as often. A job comes back from a worker that died after half the time of its lock
 * at the earliest: then that worker has been silent for so long.
 */
export function heldMs({ config }: Platform): number {
  return config.queues.lockDurationMs / 2;
}

/** When each process swept last. */
const lookedAt = new WeakMap<Platform, number>();

/** Up to when each process has looked for ended runs that nobody told of. */
const toldUntil = new WeakMap<Platform, number>();
const LOOK_BACK_MS = 86_400_000;
/** Clocks of several machines differ. */
const OVERLAP_MS = 60_000;

/** Only what ended since the last look is looked at, so that this costs the same however many runs there are. */
async function tellEnded(platform: Platform, until: number): Promise<void> {
  const since = (toldUntil.get(platform) ?? until - LOOK_BACK_MS) - OVERLAP_MS;
  const untold = await platform.runs.endedUntold(new Date(since), new Date(until), PAGE);
  if (untold.length > 0) await platform.facts.record(untold.map(endedFact));
  if (untold.length < PAGE) toldUntil.set(platform, until);
}

export async function remake(platform: Platform, publisher: RunPublisher, open: OpenCommand): Promise<boolean> {
  const [loaded] = await platform.runs.load([open.runId]);
  if (!loaded) {
    await platform.runs.closeCommands(open.runId, [open.node]);
    return false;
  }
  const command = open.command as Command;
  if (command.kind === 'emit') {
    await publisher.emit(loaded.run, command);
    return true;
  }
  if (command.kind === 'listen') {
    await publisher.catchUp(loaded.run, command);
    return true;
  }
  if (!isCall(command) || (await isUnderWay(platform, loaded.run.tenant, open, command))) return false;
  await platform.facts.record(await publisher.call(loaded.run, command));
  return true;
}

async function isUnderWay(
  platform: Platform,
  tenant: string,
  { runId, node }: OpenCommand,
  { call }: CallCommand,
): Promise<boolean> {
  const job = await platform.queues.find(queueOfCall(call), `${runId}.${node}`, tenant);
  return job !== undefined && !job.finishedOn;
}
