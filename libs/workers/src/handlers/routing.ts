import {
  type ErrorRecord,
  type FlowJob,
  type IngressJob,
  type JobMeta,
  type QueueName,
  type ScheduleJob,
  sha256,
  type SpillwayEvent,
} from '@spillway/contracts';
import { gatheredRun, keyOf, type PublishedFlow, wakeUp } from '@spillway/flows';
import { Acceptor } from '@spillway/intake';
import type { NewFact } from '@spillway/queues';
import { plan, type Planned, planRun } from '@spillway/routing';
import { between, crashPoint, type LiveTenant, type Platform } from '@spillway/runtime';
import type { GivenUp, Handler, JobContext, NextJob, Outcome } from '@spillway/worker-kit';
import { Beginnings } from '../runs/beginnings';
import { unsure } from '../unsure';

const SCHEDULE_DEDUPE_MS = 3_600_000;

/** `ingress-events`: finds the routes an event matches and makes their jobs. */
export class RoutingHandler implements Handler<'ingress-events'> {
  readonly queue = 'ingress-events';
  /** What an event led to tells more than how often it was looked at. */
  readonly tellsAttempts = false;
  private readonly acceptor: Acceptor;
  private readonly beginnings: Beginnings;
  /** Versions of flows that are in the database, by hash. */
  private readonly kept = new Set<string>();

  constructor(private readonly platform: Platform) {
    this.acceptor = new Acceptor(platform);
    this.beginnings = new Beginnings(platform);
  }

  async handle(context: JobContext<IngressJob | ScheduleJob>): Promise<Outcome> {
    return 'schedule' in context.data ? this.tick(context.id, context.data) : this.route(context.data, context);
  }

  /** Also an event that could not be routed is in the ledger. */
  onGivenUp(data: IngressJob | ScheduleJob, _jobId: string, _state: GivenUp, error: ErrorRecord): NewFact[] {
    if ('schedule' in data) return [];
    return [...acceptedFact(data), { ...aboutEvent(data), kind: 'event.failed', error }];
  }

  private async route(job: IngressJob, context: JobContext<unknown>): Promise<Outcome> {
    const { event, meta, replay } = job;
    crashPoint('begin routing');
    const tenant = await this.tenant(event.tenant);
    const source = event.source.slice(event.source.lastIndexOf('/') + 1);
    const routes = (tenant?.routes ?? []).filter((route) => !replay?.routes || replay.routes.includes(route.name));
    const planned = plan(event, source, routes, tenant?.flows ?? new Map(), meta, replay?.id);
    // Without its message, which may quote the event.
    for (const { route, code } of planned.problems)
      context.log.warn({ tenant: event.tenant, event: event.id, route, code }, 'route could not be followed');
    const own = [...planned.jobs];
    if (tenant && !replay) planned.jobs.push(...(await this.gather(tenant, event, meta)));
    if (tenant) await this.prepareRuns(tenant, event, planned.jobs);
    const begun = tenant ? await this.beginnings.begin(tenant, own, context) : [];
    const jobs = planned.jobs.filter((one) => !begun.some(({ planned }) => planned === one));
    const next = await this.onTheSpot(jobs, context);
    const left = jobs.filter(({ job }) => !next.some(({ id }) => id === job.id));
    // An earlier attempt may have died over what it did on the spot.
    await between('adding the jobs of routes', () => this.enqueue(context.interrupted ? left.map(unsureTask) : left));
    return {
      next: [...next, ...begun.flatMap((one) => one.next ?? [])],
      facts: [
        ...acceptedFact(job),
        { ...aboutEvent(job), kind: 'event.routed', jobs: planned.jobs.map((one) => one.job), replay: replay?.id },
        ...begun.flatMap(({ facts }) => facts),
      ],
      value: { routes: planned.jobs.map((one) => one.job.route), problems: planned.problems },
    };
  }

  /** Tasks of routes that may be done right here; what they did is found by their ids if they come again. */
  private async onTheSpot(jobs: Planned[], { mayGoOn, isFirst }: JobContext<unknown>): Promise<NextJob[]> {
    // Of another attempt there may be jobs in the queues.
    if (!mayGoOn || !isFirst) return [];
    const isOurs = async ({ queue, data, delayMs }: Planned) =>
      'task' in data && !delayMs && (await mayGoOn(queue, data));
    const may = await Promise.all(jobs.map(isOurs));
    return jobs
      .filter((_, at) => may[at])
      .map(({ queue, job, data, attempts }) => ({ queue, id: job.id, data, attempts }));
  }

  /** Runs that this event begins together with others that came before it. */
  private async gather(tenant: LiveTenant, event: SpillwayEvent, meta: JobMeta): Promise<Planned[]> {
    const begun: Planned[] = [];
    for (const [name, { filters, placesOf }] of tenant.gatherings) {
      const places = placesOf(event as never);
      if (places.length === 0) continue;
      const flow = tenant.flows.get(name)!;
      const route = `flow-${name}-on`;
      const planned = planRun(`${event.id}.${route}.0`, name, flow, route, event, meta);
      await this.keepVersion(tenant, flow);
      const about = { tenant: tenant.name, flow: name, event, places, filters };
      const made = await between('gathering', () =>
        this.platform.starts.gather(about, (events) =>
          gatheredRun(planned.data as FlowJob, events as SpillwayEvent[], Date.now()),
        ),
      );
      if (made) begun.push(planned);
    }
    return begun;
  }

  private async keepVersion(tenant: LiveTenant, flow: PublishedFlow): Promise<void> {
    if (this.kept.has(flow.hash)) return;
    const version = { tenant: tenant.name, flow: flow.name, ...flow };
    await between('keeping the version', () => this.platform.runs.keepVersion(version));
    this.kept.add(flow.hash);
  }

  /** What runs need before they begin: their version of the flow; and the event, if one of them may listen for it. */
  private async prepareRuns(tenant: LiveTenant, event: SpillwayEvent, jobs: Planned[]): Promise<void> {
    for (const { data } of jobs) {
      if ('start' in data && data.start) await this.keepVersion(tenant, tenant.flows.get(data.run.flow)!);
    }
    const { listensFor } = tenant;
    if (listensFor !== 'any' && !listensFor.has(event.type)) return;
    const { listening, queues } = this.platform;
    await between('keeping the event', () => listening.keep(event));
    const listeners = await between('hear', () =>
      listening.hear(event, (recipe, heard) => keyOf(recipe, heard as never)),
    );
    const wakeUps = listeners.map(({ runId, ...run }) =>
      wakeUp({ ...run, id: runId, tenant: tenant.name }, `e${event.id}`),
    );
    const woken = wakeUps.map(({ id, data }) => ({
      data: data as never,
      options: { id, priority: data.meta.priority },
    }));
    await between('waking listeners', () => queues.addMany('orchestration-flows', woken));
  }

  /** A tenant made a moment ago may not be known here yet. */
  private async tenant(name: string): Promise<LiveTenant | undefined> {
    const known = this.platform.directory.tenant(name);
    if (known) return known;
    await this.platform.directory.refresh();
    return this.platform.directory.tenant(name);
  }

  private async enqueue(jobs: Planned[]): Promise<void> {
    const byQueue = new Map<QueueName, Planned[]>();
    for (const one of jobs) byQueue.set(one.queue, [...(byQueue.get(one.queue) ?? []), one]);
    await Promise.all(
      [...byQueue].map(([queue, group]) =>
        this.platform.queues.addMany(
          queue,
          group.map(({ data, job, delayMs, attempts }) => ({
            data,
            options: { id: job.id, priority: data.meta.priority, delayMs, attempts },
          })),
        ),
      ),
    );
  }

  /** The job's id names the tick, so that a tick done twice is one event. */
  private async tick(jobId: string, { schedule, meta }: ScheduleJob): Promise<Outcome> {
    const spec = this.platform.directory.tenant(schedule.tenant)?.schedules.get(schedule.name);
    if (!spec?.enabled) return { value: 'the schedule is gone or off' };
    const content = JSON.stringify(spec.event.data);
    const accepted = await this.acceptor.accept({
      tenant: schedule.tenant,
      source: 'schedule',
      provider: 'schedule',
      type: spec.event.type,
      subject: spec.event.subject ?? schedule.name,
      dedupeKey: jobId,
      data: spec.event.data,
      priority: meta.priority,
      dedupeWindow: SCHEDULE_DEDUPE_MS,
      body: { sha256: sha256(content), bytes: Buffer.byteLength(content) },
      createdBy: `schedule:${schedule.name}`,
    });
    return { value: accepted };
  }
}

/** A run knows by itself what was begun of it. */
function unsureTask(planned: Planned): Planned {
  return 'task' in planned.data ? { ...planned, data: unsure(planned.data) } : planned;
}

function aboutEvent({ event }: IngressJob) {
  return { tenant: event.tenant, eventId: event.id };
}

/** A replay's event is in the ledger already. */
function acceptedFact(job: IngressJob): NewFact[] {
  if (job.replay) return [];
  const { event, body, via, meta } = job;
  return [{ ...aboutEvent(job), kind: 'event.accepted', at: meta.createdAt, event, body, via }];
}
