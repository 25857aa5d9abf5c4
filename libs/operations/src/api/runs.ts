import { BadRequestError, newId } from '@spillway/contracts';
import { answerKey, ENDED, toMermaid } from '@spillway/flows';
import { Restarts, type RunRecord, RunRecords } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { type Caller, canSee, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { beforeField, idParams, limitField, tenantField } from './fields';
import { restartEndpoint } from './restart';
import { wake } from './wake';

const STATUSES = ['running', 'waiting', 'suspended', 'cancelled', 'faulted', 'completed'] as const;

/** What an operator may ask of a run, and of which it makes sense. */
const ORDERS = {
  cancel: { summary: 'Cancels a run; what it did is undone where tasks say how', of: (ended: boolean) => !ended },
  suspend: { summary: 'Halts a run until it is resumed; answers under way are kept', of: (ended: boolean) => !ended },
  resume: { summary: 'Goes on with a suspended run', of: (ended: boolean) => !ended },
  retry: { summary: 'Begins the task that failed again, and goes on from there', of: (ended: boolean) => ended },
};

export function runEndpoints(platform: Platform): Endpoint[] {
  const records = new RunRecords(platform.database.db, platform.vault);
  const find = async (id: string, principal: Caller): Promise<RunRecord> => {
    const run = await records.find(id);
    return run && canSee(principal, run.tenant) ? run : notFound(`run ${id}`);
  };
  return [
    endpoint({
      method: 'GET',
      path: '/runs',
      scope: 'jobs:read',
      summary: 'Runs of flows, newest first',
      shows: 'traces',
      query: z.object({
        tenant: tenantField,
        flow: z.string().optional(),
        status: z.enum(STATUSES).optional(),
        eventId: z.uuid().optional(),
        before: beforeField,
        limit: limitField,
      }),
      handle: async ({ query, principal }) => {
        const runs = await records.list({ ...query, tenant: tenantFor(principal, query.tenant) });
        return { runs, next: runs.length === query.limit ? runs.at(-1)?.id : undefined };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/runs/{id}',
      scope: 'jobs:read',
      shows: 'payloads',
      summary: 'One run with its tasks, their input and output, and its definition',
      params: idParams,
      handle: async ({ params, principal }) => find(params.id, principal),
    }),
    endpoint({
      method: 'GET',
      path: '/runs/{id}/graph',
      scope: 'jobs:read',
      summary: 'The definition of a run, drawn (Mermaid)',
      params: idParams,
      handle: async ({ params, principal }) => {
        const { definition } = await find(params.id, principal);
        return { mermaid: toMermaid(definition) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/approvals',
      scope: 'jobs:read',
      summary: 'What runs wait for people to decide, oldest first',
      shows: 'payloads',
      query: z.object({ tenant: tenantField, limit: limitField }),
      handle: async ({ query, principal }) => ({
        approvals: await platform.callbacks.waiting({
          tenant: tenantFor(principal, query.tenant),
          kind: 'approval',
          limit: query.limit,
        }),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/runs/{id}/approvals/{node}',
      scope: 'jobs:write',
      summary: 'Decides what a run asked a person',
      action: 'run.decide',
      params: idParams.extend({ node: z.coerce.number().int() }),
      body: z.strictObject({ approved: z.boolean(), comment: z.string().max(5_000).optional() }),
      handle: async ({ params, body, principal, note }) => {
        const run = await find(params.id, principal);
        note({ tenant: run.tenant, target: `${run.id}.${params.node}`, details: body });
        await decide(platform, run, params.node, { ...body, by: principal.actor });
        return { id: run.id, ...body };
      },
    }),
    restartEndpoint(platform, find),
    ...Object.entries(ORDERS).map(([kind, { summary }]) =>
      endpoint({
        method: 'POST',
        path: `/runs/{id}/${kind}`,
        scope: 'jobs:write',
        action: `run.${kind}`,
        summary,
        params: idParams,
        body: z.strictObject({ reason: z.string().max(500).optional().describe('For the record.') }),
        handle: async ({ params, body, principal, note }) => {
          const run = await find(params.id, principal);
          note({ tenant: run.tenant, target: run.id, details: { reason: body.reason } });
          await order(platform, run, kind as keyof typeof ORDERS, body.reason);
          return { id: run.id, ordered: kind };
        },
      }),
    ),
  ];
}

/** @throws BadRequestError 404, 409 `answered-already` */
async function decide(
  platform: Platform,
  run: RunRecord,
  node: number,
  { approved, comment, by }: { approved: boolean; comment?: string; by: string },
): Promise<void> {
  const asked = (await platform.callbacks.find(run.id, node)) ?? notFound(`question ${node} of run ${run.id}`);
  const output = { approved, by, at: new Date().toISOString(), ...(comment && { comment }) };
  const key = answerKey(node);
  const input = { kind: 'answer', node, output };
  if (!(await platform.callbacks.answer(asked, { by, answer: output, key, input }))) {
    throw new BadRequestError('it was answered already', { code: 'answered-already', status: 409 });
  }
  await wake(platform, run.id, key);
}

/** @throws BadRequestError 409 when the run is not in a state for it */
async function order(platform: Platform, run: RunRecord, kind: keyof typeof ORDERS, reason?: string): Promise<void> {
  const ended = ENDED.includes(run.status as (typeof ENDED)[number]);
  if (!ORDERS[kind].of(ended) || (kind === 'retry' && run.status !== 'faulted')) {
    throw new BadRequestError(`the run is ${run.status}: it cannot be ordered to ${kind}`, {
      code: 'run-state',
      status: 409,
    });
  }
  const [stored] = await platform.runs.load([run.id]);
  if (kind === 'retry' && !(stored?.run.state as { failed?: unknown } | undefined)?.failed) {
    throw new BadRequestError(
      'the run cannot go on from where it failed: what it did was undone, or it failed as a whole',
      {
        code: 'run-state',
        status: 409,
        remedy: 'Replay its event: that begins a new run.',
      },
    );
  }
  const newest = kind === 'retry' ? await new Restarts(platform.database.pool, platform.vault).newestOf(run) : run.id;
  if (newest !== run.id) {
    throw new BadRequestError(`another run took its way: ${newest}`, {
      code: 'run-state',
      status: 409,
      remedy: 'Give the order to that one.',
    });
  }
  const key = `o${newId()}`;
  await platform.runs.deliver({ runId: run.id, key, input: { kind, ...(reason && { reason }) } });
  await wake(platform, run.id, key);
}
