import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { BadRequestError, PROBLEM_CONTENT_TYPE, toProblem } from '@spillway/contracts';
import type { OneQueue, Queues } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticator';
import { html } from '../access/login';
import { refusalPage } from '../access/login-page';
import { may, type Principal } from '../access/principal';
import { keep, originOf } from '../api/trail';
import { isMaskable, maskBoard, shownBy } from './board-payloads';

const OPERATOR_PATH = '/queues';
/** The same board without its buttons, and without what is in the jobs. */
const VIEWER_PATH = '/view/queues';
/** The board asks again every few seconds: one look at one thing is kept once in this time. */
const LOOK_MS = 60_000;
const MOST_LOOKS = 10_000;

type Books = Pick<Platform, 'queues' | 'audit' | 'facts' | 'log'>;
type BoardRequest = FastifyRequest & { spillwayActor?: string };

/**
 * Bull Board for all queues and their dead letters, behind the login. It shows the jobs of every tenant, so it is for
 * people with a role for all tenants: operators may act, viewers look, at everything but payloads.
 */
export async function registerBoard(
  server: FastifyInstance,
  platform: Books,
  authenticator: Authenticator,
): Promise<void> {
  const { queues } = platform;
  const looks = new Map<string, number>();
  for (const viewing of [false, true]) {
    const path = viewing ? VIEWER_PATH : OPERATOR_PATH;
    const adapter = new FastifyAdapter();
    adapter.setBasePath(path);
    createBullBoard({
      queues: queues.all().map((one) => boardQueue(one, viewing || one.dead, queues)),
      serverAdapter: adapter,
      options: { uiConfig: { boardTitle: 'Spillway', hideRedisDetails: queues.backend.kind !== 'redis' } },
    });
    await server.register(async (scope) => {
      scope.addHook('onRequest', (request, reply) => admit(request, reply, authenticator, viewing));
      if (viewing) scope.addHook('preSerialization', async (_request, _reply, payload) => maskBoard(payload));
      else scope.addHook('onSend', (request, reply) => tell(request, reply, platform, looks));
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
  adapter.setFormatter('data', (data: object) => queues.codec.shown(data));
  return adapter;
}

async function admit(request: BoardRequest, reply: FastifyReply, authenticator: Authenticator, viewing: boolean) {
  const person = await authenticator.person(request);
  const wantsPage = request.method === 'GET' && !request.url.includes('/api/');
  if (!person) {
    if (wantsPage) return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`);
    return reply.code(401).send({ error: 'log in first' });
  }
  request.spillwayActor = person.actor;
  if (!may(person, 'jobs:read', null)) return refuse(reply, wantsPage, person);
  if (!viewing && !(may(person, 'jobs:write', null) && may(person, 'payloads:read', null))) {
    if (wantsPage) return reply.redirect(request.url.replace(OPERATOR_PATH, VIEWER_PATH));
    return reply.code(403).send({ error: 'viewers may only look' });
  }
  if (viewing && !isMaskable(routeOf(request))) {
    const why = 'this part of the board may show payloads, which viewers do not see';
    return sendProblem(reply, new BadRequestError(why, { code: 'payloads-masked', status: 403 }));
  }
  return undefined;
}

function refuse(reply: FastifyReply, wantsPage: boolean, { actor, grants }: Principal): FastifyReply {
  const tenants = grants.map(({ tenant }) => tenant).join(', ') || 'no tenant';
  const why = `The board shows the jobs of every tenant, and ${actor} has a role in ${tenants} only.`;
  const remedy =
    'Use the operations API (/api/v1; /openapi.json describes it) or the command line: they show your tenant and nothing else. ' +
    'Or ask for a role for all tenants.';
  if (wantsPage) return html(reply, 403, refusalPage('The board is for people of the whole platform', [why, remedy]));
  return sendProblem(reply, new BadRequestError(why, { code: 'board-for-all-tenants', status: 403, remedy }));
}

/** The board's own error handler would make a 500 of it. */
function sendProblem(reply: FastifyReply, error: BadRequestError): FastifyReply {
  return reply
    .code(error.status)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(JSON.stringify(toProblem(error)));
}

/** What is done on the board, and what is looked at, is kept before the answer leaves. */
async function tell(
  request: BoardRequest,
  reply: FastifyReply,
  books: Books,
  looks: Map<string, number>,
): Promise<void> {
  const actor = request.spillwayActor;
  if (!actor) return;
  const look = request.method === 'GET';
  const target = targetOf(request);
  if (look && (reply.statusCode >= 400 || !shownBy(routeOf(request), request.query))) return;
  if (look && !isDue(looks, `${actor} ${target}`)) return;
  const outcome = reply.statusCode < 400 ? 'done' : reply.statusCode < 500 ? 'refused' : 'failed';
  const action = look ? 'payload.read' : `board.${request.method.toLowerCase()}`;
  await keep(books, [{ actor, action, target, outcome, ...originOf(request) }]);
}

function isDue(looks: Map<string, number>, key: string): boolean {
  const now = Date.now();
  if ((looks.get(key) ?? 0) > now - LOOK_MS) return false;
  if (looks.size >= MOST_LOOKS) looks.clear();
  looks.set(key, now);
  return true;
}

/** As it is registered, below the board's path. */
function routeOf(request: FastifyRequest): string {
  const route = request.routeOptions.url ?? '';
  return [VIEWER_PATH, OPERATOR_PATH].reduce(
    (rest, path) => (rest.startsWith(path) ? rest.slice(path.length) : rest),
    route,
  );
}

/** `board/notifications/42`; of a list, its queue. */
function targetOf(request: FastifyRequest): string {
  const path = request.url
    .split('?', 1)[0]!
    .slice(OPERATOR_PATH.length)
    .replace(/^\/api\/(queues\/?)?/, '');
  const { activeQueue } = (request.query ?? {}) as { activeQueue?: string };
  return `board/${decodeURIComponent(path || activeQueue || '*')}`;
}
