import { createHmac } from 'node:crypto';
import { type Asked, FakeProvider, isJson, jsonOf, type Reply } from './fake-provider';

/**
 * n8n: production webhooks (`/webhook/PATH`) whose first node checks a Standard Webhooks signature and answers a key
 * it knows with what it answered before, and the REST API behind `X-N8N-API-KEY`.
 *
 * @see https://docs.n8n.io/api/ https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/
 */
export class FakeN8n extends FakeProvider {
  readonly apiKey = 'n8n-api-key-0123456789';
  readonly signingSecret = 'n8n-signing-secret-0123456789';
  /** Executions by id: what was given to the workflow. */
  readonly executions = new Map<string, { workflow: string; body: Record<string, unknown> }>();
  readonly workflows = new Map<string, { id: string; name: string; active: boolean }>([
    ['onboarding', { id: 'onboarding', name: 'Onboarding', active: true }],
    ['asleep', { id: 'asleep', name: 'Asleep', active: false }],
  ]);
  private readonly byKey = new Map<string, string>();

  errorBody(status: number): unknown {
    return { code: 0, message: status === 429 ? 'Too many requests' : 'Error in workflow' };
  }

  protected answer(request: Asked): Reply {
    const [, path] = /^\/webhook\/(.+)$/.exec(request.path) ?? [];
    if (path) return this.webhook(path, request);
    if (request.headers['x-n8n-api-key'] !== this.apiKey) return { status: 401, body: { message: 'unauthorized' } };
    const [, kind, id] = /^\/api\/v1\/(executions|workflows)\/([^/]+)$/.exec(request.path) ?? [];
    if (kind === 'executions' && this.executions.has(id ?? '')) {
      const { workflow } = this.executions.get(id!)!;
      return {
        status: 200,
        body: { id, workflowId: workflow, status: 'success', finished: true, stoppedAt: '2026-11-20T10:00:01.000Z' },
      };
    }
    return { status: 404, body: { message: 'Not Found' } };
  }

  private webhook(path: string, request: Asked): Reply {
    if (!this.workflows.get(path)?.active) {
      return {
        status: 404,
        body: { code: 404, message: `The requested webhook "${request.method} ${path}" is not registered.` },
      };
    }
    if (!isJson(request)) return { status: 422, body: { message: 'Failed to parse request body' } };
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const signed = createHmac('sha256', this.signingSecret)
      .update(`${String(id)}.${String(time)}.${request.text}`)
      .digest('base64');
    if (signature !== `v1,${signed}`) return { status: 403, body: { message: 'Authorization data is wrong!' } };
    const key = request.headers['idempotency-key'];
    const before = typeof key === 'string' ? this.byKey.get(key) : undefined;
    const execution = before ?? String(this.executions.size + 1);
    if (!before) {
      this.executions.set(execution, { workflow: path, body: jsonOf(request) });
      if (typeof key === 'string') this.byKey.set(key, execution);
    }
    return { status: 200, body: { executionId: execution, started: true } };
  }
}
