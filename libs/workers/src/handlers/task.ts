import { type HttpAdapter } from '@spillway/adapters';
import { callbackChannel, type Channel, logChannel } from '@spillway/channels';
import { type ErrorRecord, PermanentError, type Task, type TaskJob } from '@spillway/contracts';
import { following } from '@spillway/flows';
import type { NewFact } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import { dieIfTold } from '../faults';
import { type GivenUp, type Handler, type JobContext, once, type Outcome } from '@spillway/worker-kit';

/** What is recorded of an effect, and returned when its job comes again. */
interface Effect {
  status?: number;
  summary?: string;
}

type TaskQueue = 'integration-tasks' | 'notifications';

/** One task over one event, done once; inside a flow it wakes the run when it is done. */
abstract class TaskHandler<Name extends TaskQueue> implements Handler<Name> {
  abstract readonly queue: Name;
  readonly tellsAttempts = true;

  constructor(protected readonly platform: Platform) {}

  async handle(context: JobContext<TaskJob>): Promise<Outcome> {
    const { data } = context;
    const perform = (key: string) => this.perform(data.task, context, key);
    const { result, recorded, repeat } = this.isRepeatable(data.task)
      ? { result: await perform(context.id), recorded: false, repeat: context.interrupted }
      : await once(
          this.platform.effects,
          { id: context.id, interrupted: context.interrupted, tenant: data.meta.tenant },
          perform,
        );
    return {
      facts: await this.moveOn(data),
      value: result,
      ...(result.status !== undefined && { response: { status: result.status } }),
      recorded,
      repeat,
    };
  }

  onGivenUp({ meta, event, run }: TaskJob, jobId: string, state: GivenUp, error: ErrorRecord): NewFact[] {
    const about = { tenant: meta.tenant, eventId: event.id };
    const ended = state === 'cancelled' ? ('cancelled' as const) : ('failed' as const);
    return [
      { ...about, kind: 'job.ended', jobId, queue: this.queue, state, error },
      ...(run ? [{ ...about, kind: 'run.ended' as const, runId: run.id, state: ended }] : []),
    ];
  }

  /** Whether doing it twice harms nobody. */
  protected isRepeatable(_task: Task): boolean {
    return false;
  }

  protected abstract perform(task: Task, context: JobContext<TaskJob>, idempotencyKey: string): Promise<Effect>;

  protected secretsOf(tenant: string): Record<string, string> {
    return this.platform.directory.tenant(tenant)?.secrets ?? {};
  }

  /** Before the job counts as done, so that a crash repeats it and not forgets it. */
  private async moveOn(data: TaskJob): Promise<NewFact[]> {
    if (!data.run) return [];
    const about = { tenant: data.meta.tenant, eventId: data.event.id };
    const next = following(data);
    if (!next) return [{ ...about, kind: 'run.ended', runId: data.run.id, state: 'done' }];
    await this.platform.queues.add('orchestration-flows', next.data as never, {
      id: next.job.id,
      priority: data.meta.priority,
    });
    return [{ ...about, kind: 'job.planned', job: next.job }];
  }
}

/** `integration-tasks`: calls third parties over HTTP. */
export class IntegrationHandler extends TaskHandler<'integration-tasks'> {
  readonly queue = 'integration-tasks';

  constructor(
    platform: Platform,
    private readonly http: HttpAdapter,
  ) {
    super(platform);
  }

  protected async perform(task: Task, context: JobContext<TaskJob>, idempotencyKey: string): Promise<Effect> {
    if (!task.http) throw new PermanentError('the task has no HTTP call', { code: 'task-invalid' });
    dieIfTold('die-on-integration-task');
    const { event, meta } = context.data;
    const { status, excerpt } = await this.http.call(task.http, {
      input: event,
      variables: { secrets: this.secretsOf(meta.tenant), task: { id: context.id, attempt: context.attempt } },
      idempotencyKey,
      traceparent: event.traceparent,
      signal: context.signal,
    });
    return { status, summary: excerpt };
  }
}

/** `notifications`: tells people and tenants' own endpoints. */
export class NotificationHandler extends TaskHandler<'notifications'> {
  readonly queue = 'notifications';
  private readonly channels: Map<string, Channel>;

  constructor(platform: Platform, http: HttpAdapter) {
    super(platform);
    const channels = [logChannel, callbackChannel(http)] as Channel[];
    this.channels = new Map(channels.map((channel) => [channel.name, channel]));
  }

  protected override isRepeatable(task: Task): boolean {
    return this.channels.get(task.notify?.channel ?? '')?.repeatable ?? false;
  }

  protected async perform(task: Task, context: JobContext<TaskJob>, idempotencyKey: string): Promise<Effect> {
    const channel = task.notify && this.channels.get(task.notify.channel);
    if (!channel || !task.notify) {
      throw new PermanentError(`there is no channel "${task.notify?.channel}"`, { code: 'task-invalid' });
    }
    const { event, meta } = context.data;
    return channel.send(task.notify, {
      event,
      secrets: this.secretsOf(meta.tenant),
      idempotencyKey,
      signal: context.signal,
      log: context.log,
    });
  }
}
