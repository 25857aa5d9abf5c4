import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueCatalogue } from '@spillway/queues';
import { eventually, freePort, type TestServers } from '@spillway/testing';
import { Pool, request } from 'undici';
import { end, startChild } from './child';
import { serversOf } from './cpu';
import { CHILDREN } from './definitions';
import type { Contestant } from './load';

const nothing = () => Promise.resolve();

/**
 * The Restate server as npm brings it, with its own defaults, and a service of the same three steps. A run begins by a
 * call of its HTTP ingress, whose answer is the end of the run.
 */
export async function startRestate(program: string, sink: string, open: number): Promise<Contestant> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-restate-'));
  const [node, admin, ingress] = [await freePort(), await freePort(), await freePort()];
  const server = spawn(program, ['--no-logo'], {
    stdio: 'ignore',
    env: {
      RESTATE_NODE_NAME: 'bench',
      RESTATE_BASE_DIR: directory,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error',
    },
  });
  const service = await startChild('restate', { SINK: sink, RESTATE_LOGGING: 'ERROR', NODE_ENV: 'production' });
  const register = () =>
    request(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: service.url }),
    }).then(async ({ statusCode, body }) => {
      const text = await body.text();
      if (statusCode >= 300) throw new Error(`Restate: ${statusCode} ${text}`);
      return true;
    });
  await eventually(register, { withinMs: 60_000, everyMs: 200, what: 'the Restate server' });
  const client = new Pool(`http://127.0.0.1:${ingress}`, { connections: open });
  let count = 0;
  const run = async () => {
    const { statusCode, body } = await client.request({
      path: '/flow/three',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: `run-${process.pid}-${(count += 1)}` }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`Restate: ${statusCode} ${text}`);
  };
  await eventually(() => run().then(() => true), { withinMs: 60_000, everyMs: 200, what: "Restate's first run" });
  return {
    run,
    settle: nothing,
    charged: [
      { what: 'service', pid: service.pid },
      { what: 'Restate server', pid: server.pid! },
    ],
    close: async () => {
      await client.close();
      await Promise.all([service.close(), end(server)]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A hand-written BullMQ program of parents with children, on the same servers. */
export async function startBullmq(servers: TestServers, sink: string): Promise<Contestant> {
  const child = await startChild('bullmq', {
    ...servers.environment(),
    SINK: sink,
    CHILDREN: String(CHILDREN),
    AT_ONCE: String(queueCatalogue()['integration-tasks'].concurrency),
  });
  const client = new Pool(child.url, { connections: 64 });
  const open = new Map<string, () => void>();
  /** Told before the sender had the answer. */
  const early = new Set<string>();
  child.onMessage(({ ended }) => {
    const tell = open.get(ended as string);
    if (tell) tell();
    else early.add(ended as string);
    open.delete(ended as string);
  });
  return {
    run: async () => {
      const { statusCode, body } = await client.request({ path: '/in', method: 'POST' });
      if (statusCode !== 202) throw new Error(`${statusCode}: ${await body.text()}`);
      const { id } = (await body.json()) as { id: string };
      if (!early.delete(id)) await new Promise<void>((resolve) => open.set(id, resolve));
    },
    settle: nothing,
    charged: [{ what: 'program', pid: child.pid }, ...(await serversOf(servers))],
    close: async () => {
      await child.close();
      await client.close();
    },
  };
}
