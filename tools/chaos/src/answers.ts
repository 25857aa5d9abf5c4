import { setTimeout as wait } from 'node:timers/promises';
import type { Call } from '@spillway/testing';
import { request } from 'undici';

const UNTIL_MS = 60_000;

/** Systems and people that a run asks: each link that comes with a call is answered, again and again until that is taken. */
export class Answers {
  private readonly asked = new Set<string>();

  /** @param call to `/ask`, with its link in a header, or to `/approve`, with its link in the message */
  hear({ path, headers, body }: Call): void {
    if (path === '/ask') this.give(String(headers['spillway-callback']), { output: { n: 7 } });
    if (path === '/approve') this.give((JSON.parse(body) as { link: string }).link, { approved: true, by: 'chaos' });
  }

  private give(link: string, answer: object): void {
    // Asked again by a worker that took over: it is the same question.
    if (this.asked.has(link)) return;
    this.asked.add(link);
    void this.insist(link, JSON.stringify(answer));
  }

  /** 409: it was taken, and the edge died before it could say so. */
  private async insist(link: string, body: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    for (const until = Date.now() + UNTIL_MS; Date.now() < until; await wait(100)) {
      const answer = await request(link, { method: 'POST', headers, body }).catch(() => undefined);
      await answer?.body.dump();
      if (answer?.statusCode === 200 || answer?.statusCode === 409) return;
    }
  }
}
