import { setImmediate } from 'node:timers/promises';
import { API_VERSION, BadRequestError, invalidInput, nameSchema, resourceSchema } from '@spillway/contracts';
import {
  CompiledFlow,
  completeDefinition,
  type FlowDefinition,
  type FlowError,
  listenedTypes,
  type PublishedFlow,
  type RecordedRun,
  type Replayed,
  replayRun,
} from '@spillway/flows';
import { type EndedRun, PastRuns } from '@spillway/persistence';
import { lintResource, type Platform } from '@spillway/runtime';
import { z } from 'zod';
import { requireRight, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { tenantField, timeField } from './fields';

/** Runs that are gone through at a request. */
const MOST_RUNS = 200;
/** Events that one run may listen to when it is gone through again. */
const MOST_EVENTS = 1_000;
/** Among so many of the newest events those are looked for that match a route. */
const MOST_LOOKED_AT = 5_000;

type Json = z.infer<ReturnType<typeof z.json>>;

export function replayEndpoint(platform: Platform): Endpoint {
  const past = new PastRuns(platform.database.pool, platform.vault);
  return endpoint({
    method: 'POST',
    path: '/flows/{name}/replay',
    scope: 'jobs:write',
    action: 'flow.replay',
    shows: 'payloads',
    summary:
      'Goes through past runs with a new version of their flow, and says what it would do otherwise; calls nothing',
    params: z.object({ name: nameSchema }),
    body: z.strictObject({
      tenant: tenantField,
      definition: z.record(z.string(), z.unknown()).describe('The new version, as the `spec` of a Flow.'),
      runs: z.array(z.string()).min(1).max(MOST_RUNS).optional().describe('These runs.'),
      last: z.int().min(1).max(MOST_RUNS).default(20).describe('The newest that have ended.'),
      since: timeField.describe('Those that began since then.'),
      route: nameSchema.optional().describe('Events that match this route, in place of runs.'),
      default: z.json().default(null).describe('What is answered where there is no record of an answer.'),
    }),
    handle: async ({ params: { name }, body, principal, note }) => {
      const tenant = tenantFor(principal, body.tenant);
      if (tenant === undefined) {
        const remedy = 'Add "tenant": its runs are gone through.';
        throw new BadRequestError('the tenant is missing', { code: 'input-invalid', remedy });
      }
      note({ tenant, target: `Flow/${name}`, details: { runs: body.runs, route: body.route } });
      // A flow of one's own could be made to say what is in them.
      requireRight(principal, 'payloads:read', tenant);
      const next = checked(tenant, name, body.definition);
      const flow = new CompiledFlow(next.definition);
      const since = body.since === undefined ? undefined : new Date(body.since);
      const runs = body.route === undefined ? [] : await byRoute(platform, past, next, { ...body, tenant, since });
      const skipped: { run: string; reason: string }[] = [];
      if (body.route === undefined) {
        const filter = { tenant, flow: name, ids: body.runs, since, limit: body.runs?.length ?? body.last };
        for (const one of await past.list(filter)) {
          const reason = whyNot(one);
          if (reason === undefined) runs.push(await recorded(past, tenant, one, flow));
          else skipped.push({ run: one.id, reason });
        }
        for (const id of body.runs ?? []) {
          if ([...runs.map(({ runId }) => runId), ...skipped.map(({ run }) => run)].includes(id)) continue;
          skipped.push({ run: id, reason: 'there is no run of this flow that has ended and this id' });
        }
      }
      const replayed: Replayed[] = [];
      for (const run of runs) {
        replayed.push(await replayRun(run, flow, body.default));
        // Others are waiting for this process, too.
        await setImmediate();
      }
      const count = (result: Replayed['result']) => replayed.filter((one) => one.result === result).length;
      return {
        flow: name,
        tenant,
        default: body.default,
        same: count('same'),
        differ: count('differs'),
        new: count('new'),
        skipped,
        runs: replayed,
      };
    },
  });
}

/** @throws BadRequestError `flow-invalid`, `input-invalid` */
function checked(tenant: string, name: string, spec: Record<string, unknown>): PublishedFlow {
  const document = { apiVersion: API_VERSION, kind: 'Flow', metadata: { tenant, name }, spec };
  const parsed = resourceSchema.safeParse(document);
  if (!parsed.success) throw invalidInput(parsed.error);
  const problems = lintResource(parsed.data);
  if (problems.length > 0) {
    const message = problems.map((one) => `${one.path}: ${one.message}`).join('\n');
    const remedy = 'Mend the flow: "spillway flows validate" says where.';
    throw new BadRequestError(message, { code: 'flow-invalid', remedy });
  }
  return completeDefinition(tenant, name, spec);
}

function whyNot({ status, isRestart, isEmptied, definition }: EndedRun): string | undefined {
  if (status === 'cancelled') return 'it was cancelled: nobody knows what it would have come to';
  if (isEmptied) return 'what it was given is forgotten: it is older than payloads are kept';
  if (isRestart) return 'it began in the middle, where another run was';
  return definition === null ? 'its version of the flow is not kept any more' : undefined;
}

interface Kept {
  input: Json;
  since?: number;
}

async function recorded(past: PastRuns, tenant: string, run: EndedRun, next: CompiledFlow): Promise<RecordedRun> {
  const { input, since } = run.state as Kept;
  const flow = new CompiledFlow(run.definition as FlowDefinition);
  const from = new Date(Math.min(since ?? Infinity, run.startedAt.getTime()));
  const types = [flow, next].map(({ definition }) => listenedTypes(definition));
  const wanted = types.some((one) => one === 'any') ? null : types.flatMap((one) => [...one]);
  const listens = wanted === null || wanted.length > 0;
  const span = { types: wanted, from, to: run.endedAt, limit: MOST_EVENTS };
  const events = listens ? await past.events(tenant, span) : [];
  return {
    runId: run.id,
    eventId: run.eventId,
    version: run.version,
    status: run.status,
    startedAt: run.startedAt.getTime(),
    input,
    flow,
    events: events
      .filter(({ event }) => event.id !== run.eventId)
      .map(({ at, heard }) => ({ at: at.getTime(), event: heard as Record<string, Json> })),
    tasks: run.tasks.map(({ path, status, answer, error, startedAt, endedAt }) => ({
      path,
      status,
      answer: (answer ?? null) as Json,
      ...(answer === undefined && { trimmed: true }),
      ...(status === 'faulted' && { error: error as FlowError }),
      tookMs: endedAt.getTime() - startedAt.getTime(),
    })),
  };
}

/** Events that match a route begin runs that never were. @throws BadRequestError 404 */
async function byRoute(
  platform: Platform,
  past: PastRuns,
  { definition }: PublishedFlow,
  { tenant, route, since, last }: { tenant: string; route?: string; since?: Date; last: number },
): Promise<RecordedRun[]> {
  const found = platform.directory.tenant(tenant)?.routes.find(({ name }) => name === route);
  if (!found) return notFound(`route ${String(route)}`);
  const events = await past.newestEvents(tenant, { since, limit: MOST_LOOKED_AT });
  return events
    .filter((event) => {
      try {
        return found.matches(event, event.source.slice(event.source.lastIndexOf('/') + 1));
      } catch {
        // A condition that fails is none that holds.
        return false;
      }
    })
    .slice(0, last)
    .map((event) => ({
      runId: `${event.id}.${found.name}.0`,
      eventId: event.id,
      startedAt: Date.parse(event.time ?? '') || Date.now(),
      input: (definition.schedule?.on ? [event] : event) as unknown as Json,
      events: [],
      tasks: [],
    }));
}
