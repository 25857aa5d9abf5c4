import {
  AdapterCaller,
  type AuthenticationPolicy,
  callProtocol,
  PostgresLimits,
  PROTOCOLS,
  resolve,
  runScript,
} from '@spillway/adapters';
import type { Channel } from '@spillway/channels';
import {
  type CallJob,
  notifySchema,
  PermanentError,
  type SpillwayError,
  type SpillwayEvent,
} from '@spillway/contracts';
import {
  answerKey,
  EMBEDDED,
  type FlowError,
  type Read,
  wakeUp,
  withConditions,
  withoutConditions,
} from '@spillway/flows';
import { compileTemplate } from '@spillway/jq';
import { traced } from '@spillway/observability';
import type { CallRecord } from '@spillway/persistence';
import { between, crashPoint, type LiveTenant, type Platform } from '@spillway/runtime';
import { type JobContext, keepTrying, type Outcome } from '@spillway/worker-kit';
import { APPROVAL, approvalOf, messageOf } from './approval';
import { afterCrash } from '../runs/after-crash';
import type { KnownCall, Published } from '../runs/run-publisher';
import { type RunSteps, runStepsOf, type Telling } from '../runs/run-steps';
import { standingStill } from '../runs/stand-still';
import { errorOf } from './call-error';

type Answer = { kind: 'answer'; node: number; output: unknown } | { kind: 'failure'; node: number; error: FlowError };

/** An answer that nobody set a time for is waited for so long: 30 days. */
const UNTIL_MS = 30 * 86_400_000;
/** How soon PostgreSQL is told again that somebody is at a call, when it was away. */
const AGAIN_MS = 500;

/**
 * What the tasks of runs call: protocols, capabilities of adapters, and Spillway's own functions. Who has an answer takes the
 * run on with it, together with others that have one of the same run; that step is its once-only record. Where that is not to
 * be (the run is suspended, or others take it on again and again) the answer goes into the run's inbox before the job counts as
 * done, and the run is woken.
 */
export class Calls {
  private readonly caller: AdapterCaller;
  private readonly steps: RunSteps;

  constructor(
    private readonly platform: Platform,
    private readonly channels: ReadonlyMap<string, Channel>,
  ) {
    this.caller = new AdapterCaller(new PostgresLimits(platform.database.pool));
    this.steps = runStepsOf(platform);
  }

  async handle(context: JobContext<CallJob>): Promise<Outcome> {
    return context.isOnTheSpot ? this.held(context.data.run, () => this.make(context)) : this.make(context);
  }

  /** What is done on the spot is in no queue, whose lock would say that somebody is at it: what the run asked for says so. */
  private async held<T>({ id: runId, node }: CallJob['run'], work: () => Promise<T>): Promise<T> {
    const { platform } = this;
    const everyMs = platform.config.queues.lockDurationMs / 4;
    let timer = setTimeout(() => void touch(), everyMs);
    const touch = async () => {
      const isTold = await platform.runs.touchCommands([{ runId, node }]).then(
        () => true,
        () => false,
      );
      // After an outage the sweep must not be there first.
      if (!isOver) timer = setTimeout(() => void touch(), isTold ? everyMs : Math.min(everyMs, AGAIN_MS));
    };
    let isOver = false;
    try {
      return await work();
    } finally {
      isOver = true;
      clearTimeout(timer);
    }
  }

  private async make(context: JobContext<CallJob>): Promise<Outcome> {
    const { run, call } = context.data;
    const key = answerKey(run.node);
    crashPoint('begin call');
    const known = await this.look(context, key);
    if (known.state === 'answered') {
      await between('wake', () => this.wake(context.data, key));
      // Who had it before may have died over a call that it made on the spot.
      if (!context.isFirst) await standingStill(afterCrash(this.platform, run.id));
      return { recorded: true, repeat: context.deaths > 1, value: known.input ?? 'answered before' };
    }
    if (call.callback || call.name === APPROVAL) return this.ask(context);
    crashPoint('before call');
    const output = await traced(`call ${call.name}`, {}, () => this.perform(context));
    crashPoint('after call');
    const answer: Answer = { kind: 'answer', node: run.node, output: output ?? null };
    const { facts, next } = await this.answer(context.data, answer, context, known.read);
    const channel = call.name === 'spillway.notify' && (call.with as { channel?: string } | null)?.channel;
    return { value: excerpt(output), repeat: context.interrupted, facts, next, ...(channel && { channel }) };
  }

  /** Whether the call was answered before. A run that waits for this answer alone is read whole, to be taken on with it. */
  private async look(
    { data: { run }, isOnTheSpot, known }: JobContext<CallJob>,
    key: string,
  ): Promise<CallRecord & { read?: Read }> {
    if (isOnTheSpot) return { state: 'open', ...(known as KnownCall | undefined) };
    if (!run.alone) return standingStill(this.platform.runs.callRecord({ runId: run.id, node: run.node, key }));
    const read = await this.steps.awaiting(run.id, run.node);
    return read ? { state: 'open', read } : { state: 'answered' };
  }

  /**
   * The answer comes later, from a system or a person that is given a link; until then the run waits. The question is
   * kept before it is put, so that a quick answer finds it.
   */
  private async ask(context: JobContext<CallJob>): Promise<Outcome> {
    const { run, call, meta } = context.data;
    const kind = call.name === APPROVAL ? 'approval' : 'callback';
    const tenant = this.tenantOf(meta.tenant);
    const args = this.arguments(context.data, tenant);
    const question = kind === 'approval' ? approvalOf(args) : undefined;
    const known = await this.platform.callbacks.find(run.id, run.node);
    const expiresAt = known?.expiresAt ?? new Date(meta.deadline ?? Date.now() + UNTIL_MS);
    const title = question?.title ?? `${run.flow}: ${call.name}`;
    const about = { runId: run.id, node: run.node, tenant: meta.tenant };
    const details = question?.details;
    await between('opening', () => this.platform.callbacks.open({ ...about, kind, title, details, expiresAt }));
    const link = this.platform.links.url(`${kind}s`, run.id, run.node, expiresAt);
    const message = question && messageOf(question, link);
    const output = await between('question', async () => {
      if (!question) return this.perform(context, link);
      return message && this.notify(message, context, tenant, context.id);
    });
    await between('close', () => this.platform.runs.closeCommands(run.id, [run.node]));
    return { value: { asked: excerpt(output) }, repeat: context.interrupted };
  }

  /** The run is told, and decides what follows. */
  async fail(data: CallJob, _jobId: string, error: SpillwayError): Promise<Outcome> {
    const failure: FlowError = errorOf(error);
    const input: Answer = { kind: 'failure', node: data.run.node, error: failure };
    const { facts } = await this.answer(data, input, { log: this.platform.log });
    return { value: { error: failure }, facts };
  }

  /**
   * @param attempt the one that made the call
   * @returns what the answer led to, where it took the run on
   */
  private async answer(
    data: CallJob,
    input: Answer,
    attempt: Telling & Partial<Pick<JobContext<CallJob>, 'signal' | 'mayGoOn'>>,
    read?: Read,
  ): Promise<Published> {
    const key = answerKey(data.run.node);
    const taken = () => this.steps.answer(data.run.id, { key, input }, read, attempt);
    const published = await between('taking on', taken);
    if (published) return published;
    const { signal } = attempt;
    const deliver = () => this.platform.runs.deliver({ tenant: data.meta.tenant, runId: data.run.id, key, input });
    await between('answer', () => standingStill(signal ? keepTrying(deliver, signal) : deliver()));
    await between('wake', () => this.wake(data, key));
    return { facts: [] };
  }

  private async wake({ run, meta, eventId, route }: CallJob, why: string): Promise<void> {
    const { tenant, priority, correlationId } = meta;
    const job = wakeUp({ id: run.id, flow: run.flow, tenant, priority, correlationId, eventId, route }, why);
    await this.platform.queues.add('orchestration-flows', job.data, { id: job.id, priority });
  }

  /** @throws SpillwayError, classified */
  private async perform(context: JobContext<CallJob>, link?: string): Promise<unknown> {
    const { call, meta } = context.data;
    const tenant = this.tenantOf(meta.tenant);
    const args = this.arguments(context.data, tenant);
    const idempotencyKey = call.idempotencyKey ?? context.id;
    const gate = this.platform.egress.gate(tenant.egressAllow);
    const around = {
      tenant: meta.tenant,
      input: call.input,
      secrets: tenant.secrets,
      authentications: this.authenticationsOf(context.data, tenant),
      idempotencyKey,
      ...(link && { callbackUrl: link }),
      signal: context.signal,
      dispatcher: gate.dispatcher,
      addressOf: (host: string, port: number) => gate.addressOf(host, port),
      embeddedDocument: (uri: string) => this.embedded(context.data.run.id, args, uri),
    };
    if (call.name === 'script') return runScript(args, around);
    const protocol = PROTOCOLS.find((one) => one === call.name);
    if (protocol) return callProtocol(protocol, args, around);
    if (call.name === 'spillway.notify') return this.notify(args, context, tenant, idempotencyKey);
    return this.caller.call({
      tenant: meta.tenant,
      target: resolve(call.name, tenant.bindings),
      capability: call.name,
      parameters: link ? { ...(args as object), callbackUrl: link } : args,
      secrets: tenant.secrets,
      idempotencyKey,
      // Somebody began it and died: the adapter looks whether it was done, where it can.
      ...(context.interrupted && { unsureSince: new Date(meta.createdAt) }),
      signal: context.signal,
      dispatcher: gate.dispatcher,
      log: context.log,
    });
  }

  /** `spillway.notify`: a message through a channel, as a route's `notify` sends it. */
  private async notify(args: unknown, context: JobContext<CallJob>, tenant: LiveTenant, idempotencyKey: string) {
    const spec = notifySchema.safeParse(literal(args));
    if (!spec.success) {
      const issue = spec.error.issues[0]!;
      throw new PermanentError(`spillway.notify: ${issue.path.join('.')} ${issue.message}`, {
        code: 'arguments-invalid',
      });
    }
    const channel = this.channels.get(spec.data.channel)!;
    const { eventId, meta, call } = context.data;
    const event = { id: eventId, tenant: meta.tenant, data: call.input } as SpillwayEvent;
    return channel.send(spec.data, {
      event,
      secrets: tenant.secrets,
      idempotencyKey,
      signal: context.signal,
      dispatcher: this.platform.egress.gate(tenant.egressAllow).dispatcher,
      log: context.log,
    });
  }

  /** A document that the flow brings with it: what its calls name, and what that imports. */
  private async embedded(runId: string, args: unknown, uri: string): Promise<string | undefined> {
    if (!JSON.stringify(args).includes(EMBEDDED)) return undefined;
    return this.platform.runs.resource(runId, uri.split('#')[0]!);
  }

  /** Arguments that name secrets are worked out here, where the secrets are. @throws PermanentError `template-failed` */
  private arguments({ call }: CallJob, tenant: LiveTenant): unknown {
    if (!call.variables) return call.with;
    const variables = { ...call.variables, secrets: tenant.secrets };
    const what = `the arguments of ${call.name}`;
    if (call.name !== 'asyncapi') return this.render(what, call.with, call, variables);
    const { with: plain, conditions } = withoutConditions(call.with);
    return withConditions(this.render(what, plain, call, variables), conditions, () => call.variables!);
  }

  /** Policies name their secrets; who has the secrets works them out. @throws PermanentError `template-failed` */
  private authenticationsOf({ call }: CallJob, tenant: LiveTenant): Record<string, AuthenticationPolicy> | undefined {
    if (!call.authentications) return undefined;
    const { secrets } = tenant;
    return this.render('the authentications of the flow', call.authentications, call, { secrets }) as never;
  }

  private render(what: string, template: unknown, call: CallJob['call'], variables: Record<string, unknown>): unknown {
    try {
      return compileTemplate(template, { variables: Object.keys(variables) }).render(call.input, variables);
    } catch (cause) {
      throw new PermanentError(`${what}: ${(cause as Error).message}`, {
        code: 'template-failed',
        details: { type: 'expression' },
        cause,
      });
    }
  }

  /** @throws PermanentError `tenant-unknown` */
  private tenantOf(name: string): LiveTenant {
    const tenant = this.platform.directory.tenant(name);
    if (tenant) return tenant;
    throw new PermanentError(`there is no tenant "${name}"`, { code: 'tenant-unknown' });
  }
}

/** The flow has worked its expressions out: what looks like one now is somebody's data. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$${');
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literal(inner)]));
}

/** What the admin shows of an answer. */
function excerpt(output: unknown): unknown {
  const text = JSON.stringify(output ?? null);
  return text.length <= 2_048 ? output : `${text.slice(0, 2_048)}…`;
}
