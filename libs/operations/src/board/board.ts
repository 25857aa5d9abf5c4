import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { OneQueue, Queues } from '@spillway/queues';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticator';

const OPERATOR_PATH = '/queues';
/** The same board without its buttons. */
const VIEWER_PATH = '/view/queues';

/** Bull Board for all queues and their dead letters, behind the login: operators may act, viewers look. */
export async function registerBoard(
  server: FastifyInstance,
  queues: Queues,
  authenticator: Authenticator,
): Promise<void> {
  for (const readOnly of [false, true]) {
    const path = readOnly ? VIEWER_PATH : OPERATOR_PATH;
    const adapter = new FastifyAdapter();
    adapter.setBasePath(path);
    createBullBoard({
      queues: queues.all().map((one) => boardQueue(one, readOnly || one.dead, queues)),
      serverAdapter: adapter,
      options: { uiConfig: { boardTitle: 'Spillway', hideRedisDetails: queues.backend.kind !== 'redis' } },
    });
    await server.register(async (scope) => {
      scope.addHook('onRequest', (request, reply) => admit(request, reply, authenticator, readOnly));
      await scope.register(adapter.registerPlugin() as never, { prefix: path } as never);
    });
  }
}

/** Dead letters are read-only here: redriving them is the operations API's, which also tells the ledger. */
function boardQueue({ queue, partition }: OneQueue, readOnlyMode: boolean, queues: Queues): BullMQAdapter {
  // On PostgreSQL its name tells the partition already.
  const isTold = queues.partitions.count === 1 || queues.backend.kind === 'postgres';
  const prefix = isTold ? undefined : `${queues.partitions.group(partition)}.`;
  const adapter = new BullMQAdapter(queue as never, { readOnlyMode, allowRetries: !readOnlyMode, prefix });
  adapter.setFormatter('data', (data: unknown) => queues.dataOf({ data } as never));
  return adapter;
}

async function admit(request: FastifyRequest, reply: FastifyReply, authenticator: Authenticator, readOnly: boolean) {
  const user = await authenticator.user(request);
  const wantsPage = request.method === 'GET' && !request.url.includes('/api/');
  if (!user) {
    if (wantsPage) return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`);
    return reply.code(401).send({ error: 'log in first' });
  }
  if (user.role === 'viewer' && !readOnly) {
    if (wantsPage) return reply.redirect(request.url.replace(OPERATOR_PATH, VIEWER_PATH));
    return reply.code(403).send({ error: 'viewers may only look' });
  }
  return undefined;
}
