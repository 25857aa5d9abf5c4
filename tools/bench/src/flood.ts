import { createHmac } from 'node:crypto';
import { Client } from 'undici';

export const SECRET = 'bench';

interface Flood {
  /** For so long … */
  seconds?: number;
  /** … or so many. */
  events?: number;
  senders: number;
}

/** Posts signed webhooks of about 1 kB, each with an id of its own, over connections that stay open. */
export async function flood(
  url: string,
  { seconds, events, senders }: Flood,
): Promise<{ accepted: number; tookMs: number }> {
  const began = performance.now();
  const until = seconds === undefined ? Infinity : began + seconds * 1_000;
  const { origin, pathname } = new URL(url);
  const run = newRun();
  let next = 0;
  let accepted = 0;
  await Promise.all(
    Array.from({ length: senders }, async () => {
      const client = new Client(origin, { pipelining: 1 });
      while (performance.now() < until && (events === undefined || next < events)) {
        const response = await client.request({ path: pathname, ...webhook(`${run}-${next++}`) });
        await response.body.dump();
        if (response.statusCode === 202) accepted += 1;
        else if (events !== undefined) next -= 1;
      }
      await client.close();
    }),
  );
  return { accepted, tookMs: performance.now() - began };
}

/** Ids of two runs are never the same. */
export function newRun(): string {
  return Math.random().toString(36).slice(2);
}

const FILLER = 'x'.repeat(900);

/** A signed webhook of about 1 kB, which says when it was sent. */
export function webhook(id: string) {
  const body = `{"id":"${id}","type":"order.created","data":{"id":"o","total":12,"sent":${Date.now()},"filler":"${FILLER}"}}`;
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  return { method: 'POST', headers: { 'content-type': 'application/json', 'x-signature': signature }, body } as const;
}
