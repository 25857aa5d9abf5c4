import type { HttpCallContext } from '@spillway/adapters';
import type { Notify, SpillwayEvent } from '@spillway/contracts';
import type { Log } from '@spillway/observability';

/** A message on its way to somebody. */
export interface Message {
  event: SpillwayEvent;
  secrets: Record<string, string>;
  idempotencyKey: string;
  signal: AbortSignal;
  /** Makes the connections, and says where they may go. */
  dispatcher: HttpCallContext['dispatcher'];
  log: Log;
}

export interface Delivery {
  status?: number;
  /** What was sent, in a line for the record. */
  summary: string;
}

/** A way to reach people or a tenant's own systems. */
export interface Channel<Spec extends Notify = Notify> {
  name: Spec['channel'];
  /** Whether nobody minds to be told twice, so that no record is kept of what was sent. */
  repeatable?: boolean;
  /** @throws SpillwayError, classified */
  send(spec: Spec, message: Message): Promise<Delivery>;
}
