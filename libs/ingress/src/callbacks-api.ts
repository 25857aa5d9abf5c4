import { BadRequestError, invalidInput } from '@spillway/contracts';
import { answerKey, wakeUp } from '@spillway/flows';
import type { Callback } from '@spillway/persistence';
import { between, type LinkKind, type Platform } from '@spillway/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { approvalPage, donePage } from './approval-page';

interface LinkParams {
  run: string;
  node: string;
}

type LinkRequest = FastifyRequest<{ Params: LinkParams; Querystring: { until?: string; signature?: string } }>;

const decisionSchema = z.object({
  approved: z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]),
  by: z.string().trim().min(1).max(200).default('somebody with the link'),
  comment: z.string().trim().max(5_000).optional(),
});

/** Signed links: a system that was called answers a run, a person decides. Each is good for one answer. */
export class CallbacksApi {
  constructor(private readonly platform: Platform) {}

  register(server: FastifyInstance): void {
    server.post('/v1/callbacks/:run/:node', (request: LinkRequest) => this.callback(request));
    server.get('/v1/approvals/:run/:node', (request: LinkRequest, reply) => this.show(request, reply));
    server.post('/v1/approvals/:run/:node', (request: LinkRequest, reply) => this.decide(request, reply));
  }

  /** `{ "output": … }`, `{ "error": { "status", "title", "detail" } }`, or the output itself. */
  private async callback(request: LinkRequest): Promise<object> {
    const callback = await this.open('callbacks', request);
    const { node } = callback;
    const body = jsonOf(request);
    const keys = body !== null && typeof body === 'object' && !Array.isArray(body) ? Object.keys(body) : [];
    const only = keys.length === 1 ? keys[0] : undefined;
    const input =
      only === 'error'
        ? { kind: 'failure', node, error: errorOf((body as { error: unknown }).error) }
        : { kind: 'answer', node, output: only === 'output' ? (body as { output: unknown }).output : body };
    await this.answer(callback, 'callback', body, input);
    return { ok: true };
  }

  private async show(request: LinkRequest, reply: FastifyReply): Promise<FastifyReply> {
    const callback = await this.find('approvals', request);
    const page = callback.answeredAt ? donePage(callback) : approvalPage(callback);
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .type('text/html')
      .send(page);
  }

  private async decide(request: LinkRequest, reply: FastifyReply): Promise<unknown> {
    const callback = await this.open('approvals', request);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const parsed = decisionSchema.safeParse(isForm ? formOf(request) : jsonOf(request));
    if (!parsed.success) throw invalidInput(parsed.error);
    const { approved, by, comment } = parsed.data;
    const output = { approved, by, at: new Date().toISOString(), ...(comment && { comment }) };
    await this.answer(callback, by, output, { kind: 'answer', node: callback.node, output });
    await this.tell(callback, request, by, { approved, comment });
    if (!isForm) return { ok: true };
    return reply
      .type('text/html')
      .send(donePage({ ...callback, answeredAt: new Date(), answeredBy: by, answer: output }));
  }

  /** A person decided: that goes into the audit log, by way of the queues, as all that ingress has to tell. */
  private async tell(callback: Callback, request: LinkRequest, by: string, details: Record<string, unknown>) {
    const { runId, node, tenant } = callback;
    const from = { address: request.ip, userAgent: request.headers['user-agent'] };
    const about = { actor: `link:${by}`, action: 'run.decide', target: `${runId}.${node}`, details };
    await this.platform.facts
      .record([{ kind: 'audit', tenant, eventId: '', ...about, ...from }])
      .catch((error: unknown) =>
        this.platform.log.error({ err: error, ...about, ...from }, 'audit entry was not kept'),
      );
  }

  /** @throws BadRequestError 403, 404, 409 `answered-already`, 410 */
  private async open(kind: LinkKind, request: LinkRequest): Promise<Callback> {
    const callback = await this.find(kind, request);
    if (callback.answeredAt) throw answered(callback);
    return callback;
  }

  private async find(kind: LinkKind, request: LinkRequest): Promise<Callback> {
    const { run, node } = request.params;
    this.platform.links.check(kind, run, Number(node), request.query);
    const callback = await this.platform.callbacks.find(run, Number(node));
    if (callback) return callback;
    throw new BadRequestError('nobody waits for this answer', { code: 'not-found', status: 404 });
  }

  private async answer(callback: Callback, by: string, answer: unknown, input: object): Promise<void> {
    const { runId, node } = callback;
    const key = answerKey(node);
    const given = { by, answer, key, input };
    const isFirst = await between('taking the answer', () => this.platform.callbacks.answer(callback, given));
    if (!isFirst) throw answered(callback);
    const [loaded] = await this.platform.runs.load([runId]);
    if (!loaded) return;
    const job = wakeUp(loaded.run, key);
    // The answer is kept: when the queues are away, the sweep wakes the run.
    const options = { id: job.id, priority: job.data.meta.priority };
    await between('waking', () => this.platform.queues.add('orchestration-flows', job.data as never, options)).catch(
      (error: unknown) => this.platform.log.warn({ err: error, run: runId }, 'the run is woken later'),
    );
  }
}

function answered({ answeredBy, answeredAt }: Callback): BadRequestError {
  const when = answeredAt ? ` at ${answeredAt.toISOString()}` : '';
  return new BadRequestError(`it was answered already, by ${answeredBy ?? 'somebody'}${when}`, {
    code: 'answered-already',
    status: 409,
  });
}

function errorOf(given: unknown) {
  const { type, status, title, detail } = (
    typeof given === 'object' && given !== null ? given : { detail: given }
  ) as Record<string, unknown>;
  return {
    type: typeof type === 'string' ? type : 'https://serverlessworkflow.io/spec/1.0.0/errors/communication',
    status: typeof status === 'number' ? status : 500,
    title: typeof title === 'string' ? title : 'The callback told of a failure',
    ...(detail !== undefined && { detail: typeof detail === 'string' ? detail : JSON.stringify(detail) }),
  };
}

function bytesOf(request: FastifyRequest): string {
  return Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
}

function jsonOf(request: FastifyRequest): unknown {
  const text = bytesOf(request);
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequestError('the body is not JSON', { code: 'body-malformed' });
  }
}

function formOf(request: FastifyRequest): unknown {
  const fields = Object.fromEntries(new URLSearchParams(bytesOf(request)));
  return { ...fields, by: fields['by'] || undefined, comment: fields['comment'] || undefined };
}
