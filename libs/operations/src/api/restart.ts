import { BadRequestError } from '@spillway/contracts';
import { type FlowDefinition, planRestart } from '@spillway/flows';
import { Restarts, type RunRecord } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import type { Caller } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { idParams } from './fields';
import { wake } from './wake';

/** Begins a run that takes the way of one that has ended, from one of its tasks on. */
export function restartEndpoint(
  platform: Platform,
  find: (id: string, principal: Caller) => Promise<RunRecord>,
): Endpoint {
  const restarts = new Restarts(platform.database.pool, platform.vault);
  return endpoint({
    method: 'POST',
    path: '/runs/{id}/restart',
    scope: 'jobs:write',
    action: 'run.restart',
    summary: 'Begins a run that goes on where this one was: what was done before is not done again, the rest is',
    params: idParams,
    body: z.strictObject({
      from: z.string().min(1).max(2_000).describe('JSON pointer to the task, as in the timeline: `/do/2/pay`.'),
      node: z.int().optional().describe('Which time, of a task that was begun several times; else the last.'),
      reason: z.string().max(500).optional().describe('For the record.'),
    }),
    handle: async ({ params, body: { from, node, reason }, principal, note }) => {
      const { id, tenant, definition } = await find(params.id, principal);
      const [loaded] = await platform.runs.load([id]);
      const { run, isEmptied, ...trace } = await restarts.trace((loaded ?? notFound(`run ${id}`)).run);
      const { status, state } = run;
      if (isEmptied) {
        const remedy = 'Send the event again, as a new one.';
        const message = 'what the run was given is forgotten: it is older than payloads are kept';
        throw new BadRequestError(message, { code: 'restart-impossible', status: 409, remedy });
      }
      const past = { id, status, state, ...trace, definition: definition as FlowDefinition };
      const made = await restarts.begin(run, planRestart(past, from, node));
      if (!made.isNew) {
        throw new BadRequestError(`${made.id} is under way, which takes the same way`, {
          code: 'run-state',
          status: 409,
          remedy: 'Cancel it first, or wait for its end.',
        });
      }
      note({ tenant, target: id, details: { from, node, reason, run: made.id } });
      await wake(platform, made.id, 'begin');
      return { id: made.id, restarts: id, from };
    },
  });
}
