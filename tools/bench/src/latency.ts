import { setTimeout as wait } from 'node:timers/promises';
import { eventually, type TestServers, ThirdParty } from '@spillway/testing';
import { Agent } from 'undici';
import { flood, newRun, webhook } from './flood';
import { clear, type Row, SENDERS, start } from './measure';

/** Events a second. 20 are 6,000 jobs a minute of the hand-written program. */
const RATES = [20, 100];
const WARM_EVENTS = 500;
/** An event whose call has not come by then never will. */
const MOST_MS = 60_000;

/** Milliseconds of each event. */
interface Times {
  /** From the post to its answer. */
  accepted: number[];
  /** From the post to the call of the third party that its flow makes. */
  done: number[];
}

/** How soon events are accepted, and done, that come at a steady rate, as most do. */
export async function measureLatency(servers: TestServers, seconds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const contestant of ['plain', 'spillway'] as const) {
    const third = await ThirdParty.start();
    const ages = new Ages(third);
    const running = await start(contestant, 'all', servers, { SINK: third.url });
    try {
      await flood(running.url, { events: WARM_EVENTS, senders: SENDERS });
      await ages.reach(WARM_EVENTS);
      for (const rate of RATES) {
        const { accepted, done } = await atRate(running.url, ages, { rate, seconds });
        const who = contestant === 'plain' ? 'hand-written' : 'Spillway';
        rows.push({ who, 'events/s': String(rate), accepted: shown(accepted), 'called the third party': shown(done) });
      }
    } finally {
      await running.close();
      await third.close();
      await clear(servers);
    }
  }
  return rows;
}

async function atRate(url: string, ages: Ages, { rate, seconds }: { rate: number; seconds: number }): Promise<Times> {
  ages.seen.length = 0;
  const agent = new Agent({ connections: SENDERS });
  const accepted: number[] = [];
  const run = newRun();
  const { origin, pathname } = new URL(url);
  const post = async (number: number) => {
    const began = performance.now();
    const { statusCode, body } = await agent.request({ origin, path: pathname, ...webhook(`${run}-${number}`) });
    await body.dump();
    if (statusCode !== 202) throw new Error(`an event was answered with ${statusCode}`);
    accepted.push(performance.now() - began);
  };
  const count = rate * seconds;
  const began = performance.now();
  const posts: Promise<void>[] = [];
  for (let number = 0; number < count; number += 1) {
    await wait(Math.max(0, began + (number * 1_000) / rate - performance.now()));
    posts.push(post(number));
  }
  await Promise.all(posts);
  await ages.reach(count);
  await agent.close();
  return { accepted, done: [...ages.seen] };
}

/** How old, in milliseconds, each event was when the third party heard of it. */
class Ages {
  readonly seen: number[] = [];

  constructor(third: ThirdParty) {
    third.answer = ({ body }) => void this.seen.push(Date.now() - (JSON.parse(body) as { sent: number }).sent);
  }

  async reach(count: number): Promise<void> {
    await eventually(() => this.seen.length >= count, { withinMs: MOST_MS, what: `the calls of ${count} events` });
  }
}

function shown(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!);
  return `${at(0.5)}, ${at(0.95)}, ${at(0.99)}`;
}
