import { isId, type QueueName } from '@spillway/contracts';
import { type Command, isCall, queueOfCall } from '@spillway/flows';
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

type Found = Pick<JobOnTheSpot, 'tenant' | 'eventId' | 'name'>;

const EVENT_ID_LENGTH = 36;

/** Finds one by what asked for it: its run, or the plan of its event's routes. @returns undefined when there is none */
export async function findOnTheSpot(
  platform: Pick<Platform, 'runs' | 'events'>,
  queue: QueueName,
  id: string,
  principal: Caller,
): Promise<JobOnTheSpot | undefined> {
  const eventId = id.slice(0, EVENT_ID_LENGTH);
  if (!isId(eventId)) return undefined;
  const found = (await callOf(platform, queue, id)) ?? (await taskOf(platform, queue, id, eventId));
  return found && canSee(principal, found.tenant) ? { id, queue, state: 'active', ...found } : undefined;
}

async function callOf({ runs }: Pick<Platform, 'runs'>, queue: QueueName, id: string): Promise<Found | undefined> {
  const at = id.lastIndexOf('.');
  const [runId, node] = [id.slice(0, at), Number(id.slice(at + 1))];
  const asked = (await runs.commandsOf(runId)).find((one) => one.node === node)?.command as Command | undefined;
  if (!asked || !isCall(asked) || queueOfCall(asked.call) !== queue) return undefined;
  const [loaded] = await runs.load([runId]);
  return loaded && { tenant: loaded.run.tenant, eventId: loaded.run.eventId, name: loaded.run.flow };
}

async function taskOf(
  { events }: Pick<Platform, 'events'>,
  queue: QueueName,
  id: string,
  eventId: string,
): Promise<Found | undefined> {
  const event = await events.find(eventId);
  const job = event?.jobs.find((one) => one.id === id && one.queue === queue && one.state === 'queued');
  return event && job && { tenant: event.tenant, eventId: event.id, name: job.task };
}
