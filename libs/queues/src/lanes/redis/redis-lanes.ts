import type { Queue } from 'bullmq';
import type { RedisConnection } from '../../redis/connection';
import type {
  Ended,
  Healed,
  LaneJob,
  LaneList,
  LanePlace,
  LanePolicy,
  LaneStore,
  Parking,
  Pumped,
  RetryLater,
} from '../lane-store';
import type { NewJob } from '../../redis/add-jobs';
import { placeOptions } from '../place-options';
import { placeText, policyOf, policyText } from './place';
import { ADD, PUMP, RETRY_LATER } from './scripts';
import { CONFIGURE, HEAL, LIST, PARK, REGISTER, SKIP, WAITING } from './upkeep';

const SCRIPTS = { ADD, PUMP, RETRY_LATER, CONFIGURE, HEAL, LIST, PARK, REGISTER, SKIP, WAITING };
type Script = keyof typeof SCRIPTS;
type Argument = string | number;

type Scripted = RedisConnection & Record<`lanes${Script}`, (key: string, ...args: Argument[]) => Promise<unknown>>;

/** Pages of a deep look; the rest of a long queue has its turn the next time. */
const MOST_PAGES = 50;

/** Lanes in Redis: scripts beside BullMQ's. ioredis loads a script again that Redis has forgotten. */
export class RedisLanes implements LaneStore {
  private spilledCursor = '0';

  constructor(
    private readonly redis: RedisConnection,
    private readonly queue: Queue,
    private readonly ahead: number,
  ) {}

  async add(jobs: LaneJob[]): Promise<string[]> {
    const args: Argument[] = [jobs.some(({ place }) => place) ? 1 : 0];
    for (const { name, json, opts, place } of jobs) {
      const { deduplication } = opts;
      args.push(
        opts.jobId,
        name,
        json,
        storedOptions(opts, place),
        opts.timestamp ?? Date.now(),
        opts.priority ?? 0,
        opts.delay ?? 0,
      );
      args.push(deduplication?.id ?? '', deduplication?.ttl ?? 0, placeText(place));
    }
    return (await this.run('ADD', ...args)) as string[];
  }

  async pump(ended: Ended[], most: number): Promise<Pumped> {
    const args = ended.flatMap(({ id, lane, key, succeeded }) => [id, lane, key ?? '', succeeded ? 1 : 0]);
    const [admitted, due, ready] = (await this.run('PUMP', most, ...args)) as number[];
    return { admitted: admitted!, ready: ready! > 0, ...(due && { nextDue: due }) };
  }

  async retryLater({ id, token, dueAt, counts, reason, stack }: RetryLater): Promise<boolean> {
    return (await this.run('RETRY_LATER', id, token, dueAt, counts ? 1 : 0, reason, JSON.stringify(stack))) === 0;
  }

  async register(worker: string, concurrency: number, until: number): Promise<void> {
    await this.run('REGISTER', worker, concurrency, until, this.ahead);
  }

  async heal(deep: boolean): Promise<Healed> {
    const healed: Healed = { freed: 0, lost: 0 };
    let keys = '0';
    let spilled = deep ? this.spilledCursor : '';
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = (await this.run('HEAL', keys, spilled)) as [string, string, number, number];
      healed.freed += answer[2];
      healed.lost += answer[3];
      [keys, spilled] = answer;
      if (spilled !== '') this.spilledCursor = spilled;
      if (keys === '0') keys = '';
      if (spilled === '0') spilled = '';
      if (keys === '' && spilled === '') break;
    }
    return healed;
  }

  async configure(policies: Map<string, LanePolicy>): Promise<void> {
    await this.run('CONFIGURE', ...[...policies].flatMap(([lane, policy]) => [lane, policyText(policy)]));
  }

  async park(lane: string, key: string, parking: Parking): Promise<boolean> {
    return (await this.run('PARK', `${lane}/${key}`, parking.job, JSON.stringify(parking))) === 1;
  }

  async skip(lane: string, key: string): Promise<boolean> {
    return (await this.run('SKIP', `${lane}/${key}`)) === 1;
  }

  async list(most: number, lane = '', key = ''): Promise<LaneList> {
    const [lanes, keys, spilled, due, window] = (await this.run('LIST', most, lane, key && `${lane}/${key}`)) as [
      [string, number, number, number, string][],
      [string, string, number, string][],
      number,
      number,
      number,
    ];
    return {
      lanes: lanes.map(([lane, waiting, held, blocked, policy]) => ({
        lane,
        waiting,
        held,
        blocked: blocked === 1,
        ...policyOf(policy),
      })),
      keys: keys.map(([name, head, behind, parked]) => ({
        lane: name.slice(0, name.indexOf('/')),
        key: name.slice(name.indexOf('/') + 1),
        ...(head !== '!' && { head }),
        behind,
        ...(parked && { parked: JSON.parse(parked) as Parking }),
      })),
      spilled,
      due,
      window,
    };
  }

  async waiting(lane: string, most: number): Promise<number> {
    return Math.min(most, (await this.run('WAITING', lane)) as number);
  }

  private run(script: Script, ...args: Argument[]): Promise<unknown> {
    const scripted = this.redis as Scripted;
    const command = `lanes${script}` as const;
    if (!scripted[command]) this.redis.defineCommand(command, { numberOfKeys: 1, lua: SCRIPTS[script] });
    return scripted[command](this.queue.toKey('meta'), this.queue.toKey(''), Date.now(), ...args);
  }
}

/** A job's options as BullMQ stores them, some under short names, and its place. One copy: this is done for every job. */
function storedOptions(opts: NewJob['opts'], place: LanePlace | undefined): string {
  const { telemetry, deduplication } = opts;
  const own = { tm: telemetry?.metadata, de: deduplication, telemetry: undefined, deduplication: undefined };
  return JSON.stringify({ ...opts, ...own, ...placeOptions(place) });
}
