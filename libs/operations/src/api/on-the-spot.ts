import type { QueueName } from '@spillway/contracts';
import { answerKey } from '@spillway/flows';
import type { Platform } from '@spillway/runtime';
import { type Caller, canSee } from '../access/principal';

/** A job that is done by the worker that made it necessary, and is in no queue. */
export interface JobOnTheSpot {
  id: string;
  queue: QueueName;
  name: string;
  state: 'active';
  tenant: string;
  eventId: string;
}

const EVENT_ID_LENGTH = 36;

/** Finds one by what asked for it: its run, or the plan of its event's routes. @returns undefined when there is none */
export async function findOnTheSpot(
  platform: Pick<Platform, 'runs' | 'events'>,
  queue: QueueName,
  id: string,
  principal: Caller,
): Promise<JobOnTheSpot | undefined> {
  const found = (await callOf(platform, id)) ?? (await taskOf(platform, queue, id));
  return found && canSee(principal, found.tenant) ? { id, queue, state: 'active', ...found } : undefined;
}

type Found = Pick<JobOnTheSpot, 'tenant' | 'eventId' | 'name'>;

async function callOf({ runs }: Pick<Platform, 'runs'>, id: string): Promise<Found | undefined> {
  const [runId, node] = splitLast(id);
  if (!Number.isSafeInteger(node)) return undefined;
  const { state } = await runs.callRecord({ runId, node, key: answerKey(node) });
  if (state !== 'open') return undefined;
  const [loaded] = await runs.load([runId]);
  return loaded && { tenant: loaded.run.tenant, eventId: loaded.run.eventId, name: loaded.run.flow };
}

async function taskOf({ events }: Pick<Platform, 'events'>, queue: QueueName, id: string): Promise<Found | undefined> {
  const event = await events.find(id.slice(0, EVENT_ID_LENGTH));
  const job = event?.jobs.find((one) => one.id === id && one.queue === queue && one.state === 'queued');
  return event && job && { tenant: event.tenant, eventId: event.id, name: job.task };
}

function splitLast(id: string): [string, number] {
  const at = id.lastIndexOf('.');
  return [id.slice(0, at), at < 0 ? NaN : Number(id.slice(at + 1))];
}
