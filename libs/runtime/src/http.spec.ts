import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { inTime } from '@spillway/contracts';
import { createLog } from '@spillway/observability';
import { Agent, request } from 'undici';
import { problemAdapter } from './http';

describe('a server that closes', () => {
  it('answers what is under way, and does not wait for its connection to be given up', async () => {
    const adapter = problemAdapter({}, createLog(loadConfig({ LOG_LEVEL: 'silent' }).log), '');
    const server = adapter.getInstance();
    let begun = () => {};
    const isUnderWay = new Promise<void>((resolve) => (begun = resolve));
    server.get('/slow', async () => {
      begun();
      await wait(200);
      return { ok: true };
    });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    const dispatcher = new Agent({ keepAliveTimeout: 60_000, keepAliveTimeoutThreshold: 0 });
    try {
      const answer = request(`${url}/slow`, { dispatcher });
      await isUnderWay;
      const closing = adapter.close();
      expect(await (await answer).body.json()).toEqual({ ok: true });
      await inTime(closing, 15_000);
    } finally {
      await dispatcher.destroy();
    }
  });
});
