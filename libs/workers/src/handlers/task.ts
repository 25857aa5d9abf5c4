import type { EgressGate, HttpAdapter } from '@spillway/adapters';
import { callbackChannel, type Channel, logChannel } from '@spillway/channels';
import {
  PermanentError,
  type Planning,
  type SpillwayError,
  type Task,
  type TaskJob,
  type CallJob,
} from '@spillway/contracts';
import { plannedCall } from '@spillway/flows';
import { dieIfTold, type Platform } from '@spillway/runtime';
import { type Handler, type JobContext, once, type Outcome } from '@spillway/worker-kit';
import { Calls } from '../calls/calls';

/** What is recorded of an effect, and returned when its job comes again. */
interface Effect {
  status?: number;
  summary?: string;
}

type TaskQueue = 'integration-tasks' | 'notifications';

/** One task over one event, done once; or a call of a run, whose answer goes to the run. */
abstract class TaskHandler<Name extends TaskQueue> implements Handler<Name> {
  abstract readonly queue: Name;
  readonly tellsAttempts = true;

  constructor(
    protected readonly platform: Platform,
    private readonly calls: Calls,
  ) {}

  async handle(context: JobContext<TaskJob | CallJob>): Promise<Outcome> {
    if (this.queue === 'integration-tasks') dieIfTold('die-on-integration-task');
    if ('call' in context.data) return this.calls.handle(context as JobContext<CallJob>);
    const { data, id, interrupted, deaths, signal } = context as JobContext<TaskJob>;
    const perform = (key: string) => this.perform(data.task, context as JobContext<TaskJob>, key);
    const { result, recorded, repeat } = this.isRepeatable(data.task)
      ? { result: await perform(id), recorded: false, repeat: interrupted }
      : await once(this.platform.effects, { id, interrupted, deaths, signal, tenant: data.meta.tenant }, perform);
    return {
      value: result,
      ...(result.status !== undefined && { response: { status: result.status } }),
      ...(data.task.notify && { channel: data.task.notify.channel }),
      recorded,
      repeat,
    };
  }

  /** A run hears of a call that failed, and decides. */
  async conclude(data: TaskJob | CallJob, jobId: string, error: SpillwayError): Promise<Outcome | undefined> {
    return 'call' in data ? this.calls.fail(data, jobId, error) : undefined;
  }

  /** What a run planned is told late. */
  planned(data: TaskJob | CallJob, jobId: string): Planning | undefined {
    if (!('call' in data)) return undefined;
    const { run, route, meta } = data;
    return { job: plannedCall(jobId, this.queue, route, run), at: meta.createdAt };
  }

  /** Whether doing it twice harms nobody. */
  protected isRepeatable(_task: Task): boolean {
    return false;
  }

  protected abstract perform(task: Task, context: JobContext<TaskJob>, idempotencyKey: string): Promise<Effect>;

  protected secretsOf(tenant: string): Record<string, string> {
    return this.platform.directory.tenant(tenant)?.secrets ?? {};
  }

  protected gateOf(tenant: string): EgressGate {
    return this.platform.egress.gate(this.platform.directory.tenant(tenant)?.egressAllow);
  }
}

/** `integration-tasks`: calls third parties over HTTP. */
export class IntegrationHandler extends TaskHandler<'integration-tasks'> {
  readonly queue = 'integration-tasks';

  constructor(
    platform: Platform,
    private readonly http: HttpAdapter,
  ) {
    super(platform, new Calls(platform, channelsOf(http)));
  }

  protected async perform(task: Task, context: JobContext<TaskJob>, idempotencyKey: string): Promise<Effect> {
    if (!task.http) throw new PermanentError('the task has no HTTP call', { code: 'task-invalid' });
    const { event, meta } = context.data;
    const { status, excerpt } = await this.http.call(task.http, {
      input: event,
      variables: { secrets: this.secretsOf(meta.tenant), task: { id: context.id, attempt: context.attempt } },
      idempotencyKey,
      traceparent: event.traceparent,
      tracestate: event.tracestate,
      signal: context.signal,
      dispatcher: this.gateOf(meta.tenant).dispatcher,
    });
    return { status, summary: excerpt };
  }
}

/** `notifications`: tells people and tenants' own endpoints. */
export class NotificationHandler extends TaskHandler<'notifications'> {
  readonly queue = 'notifications';
  private readonly channels: Map<string, Channel>;

  constructor(platform: Platform, http: HttpAdapter) {
    const channels = channelsOf(http);
    super(platform, new Calls(platform, channels));
    this.channels = channels;
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
      dispatcher: this.gateOf(meta.tenant).dispatcher,
      log: context.log,
    });
  }
}

function channelsOf(http: HttpAdapter): Map<string, Channel> {
  const channels = [logChannel, callbackChannel(http)] as Channel[];
  return new Map(channels.map((channel) => [channel.name, channel]));
}
