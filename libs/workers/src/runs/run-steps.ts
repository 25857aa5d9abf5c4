import type { FlowJob } from '@spillway/contracts';
import { Driver, type Idle, type Read, type Stepped } from '@spillway/flows';
import type { Log } from '@spillway/observability';
import type { InboxRow } from '@spillway/persistence';
import { between, type Platform } from '@spillway/runtime';
import type { JobContext, MayGoOn } from '@spillway/worker-kit';
import { type Published, RunPublisher } from './run-publisher';
import { standingStill } from './stand-still';
import { tellStep } from './step-spans';

/** Whose log is asked for when there is something to say: a job's is made then. */
export interface Telling {
  readonly log: Log;
}

/**
 * Steps of runs, stored and then made known to the queues. A wake-up asks for one; so does whoever brings an answer that a
 * run waits for, which saves the way through the inbox and the queue of wake-ups.
 */
export class RunSteps {
  private readonly driver: Driver;
  readonly publisher: RunPublisher;

  constructor(platform: Platform) {
    this.driver = new Driver({
      runs: {
        load: (ids, known) => platform.runs.load(ids, known),
        definition: (tenant, hash) => platform.runs.definition(tenant, hash),
        keepVersion: (version) => between('keeping the version', () => platform.runs.keepVersion(version)),
        commit: (changes) =>
          changes.length === 0 ? Promise.resolve(new Set()) : between('commit', () => platform.runs.commit(changes)),
      },
      wantsLifecycle: (tenant) => platform.directory.tenant(tenant)?.wantsLifecycle ?? false,
      resolve: (tenant, name, version) => {
        const flow = platform.directory.tenant(tenant)?.flows.get(name);
        return flow && (version === 'latest' || version === flow.version) ? flow : undefined;
      },
    });
    this.publisher = new RunPublisher(platform);
  }

  /** See `Driver.advance`. @throws RateLimitedError `records-unavailable` */
  advance(job: FlowJob, isFirst: boolean): Promise<Stepped | Idle | undefined> {
    return standingStill(this.driver.advance(job, isFirst));
  }

  /** See `Driver.awaiting`. @throws RateLimitedError `records-unavailable` */
  awaiting(runId: string, node: number): Promise<Read | undefined> {
    return standingStill(this.driver.awaiting(runId, node));
  }

  /**
   * Takes a run on with the answer it waits for.
   *
   * @returns undefined when it was not to be: the answer belongs into the inbox
   */
  async answer(
    runId: string,
    given: InboxRow,
    read: Read | undefined,
    told: Telling & Pick<JobContext<unknown>, 'mayGoOn'>,
  ): Promise<Published | undefined> {
    try {
      const stepped = await this.driver.answer(runId, given, read);
      if (stepped === 'refused') return undefined;
      return stepped ? await this.makeKnown(stepped, told, told.mayGoOn) : { facts: [] };
    } catch (cause) {
      told.log.warn(
        { run: runId, err: cause },
        'the run could not be taken on with its answer: it goes into the inbox',
      );
      return undefined;
    }
  }

  /** What is stored is made known again by the sweep: what fails here must not be taken for a step that failed. */
  async makeKnown(stepped: Stepped, told: Telling, mayGoOn?: MayGoOn): Promise<Published> {
    tellStep(stepped);
    try {
      return await between('publishing', () => this.publisher.publish(stepped, mayGoOn));
    } catch (cause) {
      told.log.warn({ run: stepped.run.id, err: cause }, 'what the run asked for could not be made known yet');
      return { facts: [] };
    }
  }
}

const steps = new WeakMap<Platform, RunSteps>();

/** One for all workers of a process, so that their steps share round trips. */
export function runStepsOf(platform: Platform): RunSteps {
  const known = steps.get(platform);
  if (known) return known;
  const made = new RunSteps(platform);
  steps.set(platform, made);
  return made;
}
