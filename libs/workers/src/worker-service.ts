import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { activeTraceparent } from '@spillway/observability';
import { forkEnvironment, type Platform, recordsAnswer } from '@spillway/runtime';
import { OnTheSpot, QueueWorker } from '@spillway/worker-kit';
import { handlerOf } from './handlers';
import { Isolation } from './isolation/isolation';
import { healLanes, syncPolicies } from './maintenance/lanes';
import { KeptWatch } from './maintenance/kept';
import { asLeader } from './maintenance/leader';
import { Loop } from './maintenance/loop';
import { Reconciler } from './maintenance/reconciler';
import { relayOutbox } from './maintenance/relay';
import { forgetOld } from './maintenance/retention';
import { syncSchedules } from './maintenance/schedules';
import { Chains } from './runs/chains';
import { sweepRuns } from './runs/sweep';
import { QUEUE_OF_ROLE, type WorkerRole } from './roles';

const RELAY_EVERY_MS = 500;
const KEPT_EVERY_MS = 5_000;
/** What the ledger does not know so long after it was accepted may be lost. */
const KEPT_AFTER_MS = 5_000;
const RUNS_EVERY_MS = 5_000;
/** What a run asked for so long ago, and was not heard of, may be lost. */
const RUNS_AFTER_MS = 30_000;
const RETENTION_EVERY_MS = 600_000;
const SCHEDULES_EVERY_MS = 60_000;
const LANES_EVERY_MS = 5_000;
const POLICIES_EVERY_MS = 60_000;
const CHILD = require.resolve('./isolation/child');

/** One worker role: its queue's jobs, and the maintenance that belongs to it. */
@Injectable()
export class WorkerService implements OnApplicationBootstrap, OnApplicationShutdown {
  private worker?: QueueWorker;
  private closeHandler?: () => Promise<void>;
  private leaveIsolation?: () => void;
  private stopListening?: () => void;
  private readonly loops: Loop[] = [];

  constructor(
    private readonly role: WorkerRole,
    private readonly platform: Platform,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { platform, role } = this;
    const queue = QUEUE_OF_ROLE[role];
    const { handler, close } = handlerOf(queue, platform);
    this.closeHandler = close;
    const { isolation, leave } = Isolation.shared(platform, () => new Isolation(CHILD, forkEnvironment(platform)));
    this.leaveIsolation = leave;
    this.worker = new QueueWorker(handler, {
      config: platform.config.queues,
      queues: platform.queues,
      deadLetters: platform.deadLetters,
      facts: platform.facts,
      log: platform.log,
      onParked: ({ tenant, queue: name, key, error }) =>
        platform.audit.record({
          actor: 'spillway',
          action: 'lane.park',
          tenant,
          target: `${name}/${key}`,
          details: { code: error.code, message: error.message },
        }),
      onForged: (name, id) =>
        platform.audit.record({ actor: role, action: 'job.forged', target: `${name}/${id}` }).catch((err: unknown) => {
          platform.log.error({ err, queue: name, job: id }, 'a forged job could not be audited');
        }),
      onTheSpot: platform.config.queues.onTheSpot ? onTheSpotOf(platform) : undefined,
      isolate: (name, job) => isolation.run({ queue: name, job, traceparent: activeTraceparent() }),
    });
    this.stopListening = platform.signals.on((signal) => {
      if (signal.kind === 'cancel-job' && signal.queue === queue) this.worker?.cancel(signal.jobId);
    });
    await this.worker.ready();
    platform.health.add(role, () => this.check());
    this.startMaintenance();
    platform.log.info({ role, queue, backend: platform.queues.backend.kind }, `${role} takes jobs`);
  }

  /** Routing needs the queues alone; what all others do is recorded. @throws Error */
  private async check(): Promise<void> {
    if (!this.worker) throw new Error('it has not started');
    await this.worker.check();
    if (this.role !== 'worker-ingress') await recordsAnswer(this.platform);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopListening?.();
    await Promise.all([
      ...this.loops.map((loop) => loop.close()),
      this.worker?.close(this.platform.config.queues.drainTimeoutMs),
    ]);
    this.leaveIsolation?.();
    await this.closeHandler?.();
  }

  private startMaintenance(): void {
    const { platform, role } = this;
    const queue = QUEUE_OF_ROLE[role];
    if (platform.queues.lanes.has(queue)) {
      this.loop('lanes', LANES_EVERY_MS, () => healLanes(platform, queue));
      const policies = this.loop('lane policies', POLICIES_EVERY_MS, () => syncPolicies(platform, queue));
      platform.directory.onChange(() => policies.soon());
    }
    if (role === 'worker-ingress') {
      // With the outbox in use on purpose, what is in it waits.
      if (platform.config.ingress.acceptInto !== 'outbox') {
        this.loop('relay', RELAY_EVERY_MS, () => relayOutbox(platform));
        const { everyMs, afterMs } = platform.config.reconcile;
        const kept = new KeptWatch(platform);
        this.loop('kept events', Math.min(everyMs, KEPT_EVERY_MS), () =>
          asLeader(platform.database, () => kept.pass(Math.min(afterMs, KEPT_AFTER_MS)), 'kept events'),
        );
      }
      const schedules = this.loop('schedules', SCHEDULES_EVERY_MS, () => syncSchedules(platform));
      platform.directory.onChange(() => schedules.soon());
    }
    if (role === 'worker-orchestration') {
      const { everyMs, afterMs } = platform.config.reconcile;
      const chains = new Chains(platform);
      this.loop('runs', Math.min(everyMs, RUNS_EVERY_MS), () =>
        asLeader(
          platform.database,
          async () => {
            await sweepRuns(platform, Math.min(afterMs, RUNS_AFTER_MS));
            await chains.next();
          },
          'runs',
        ),
      );
    }
    if (role === 'worker-analytics') {
      const { everyMs, afterMs } = platform.config.reconcile;
      const reconciler = new Reconciler(platform);
      this.loop('reconciler', everyMs, () => asLeader(platform.database, () => reconciler.pass(afterMs)));
      this.loop('retention', RETENTION_EVERY_MS, () => asLeader(platform.database, () => forgetOld(platform)));
    }
  }

  private loop(name: string, everyMs: number, work: () => Promise<boolean | void>): Loop {
    const loop = new Loop(name, everyMs, work, this.platform.log).start();
    this.loops.push(loop);
    return loop;
  }
}

const spots = new WeakMap<Platform, OnTheSpot>();

/** One for all workers of a process: what one's job leads to another may do. */
function onTheSpotOf(platform: Platform): OnTheSpot {
  const known = spots.get(platform) ?? new OnTheSpot(platform.queues, platform.facts, () => platform.health.isDraining);
  spots.set(platform, known);
  return known;
}
