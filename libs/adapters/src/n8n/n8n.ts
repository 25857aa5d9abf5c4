import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Adapter, type AdapterContext, capability, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Dialect, Transport } from '../transport';

const options = z.strictObject({
  /** Where this n8n is; it is always somebody's own. */
  baseUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  /** Workflows check the signature with it. */
  signingSecret: secretName('N8N_SIGNING_SECRET'),
  /** For the REST API only; starting workflows does not need it. */
  apiKey: secretName('N8N_API_KEY'),
  /** Another prefix than `webhook`, as `N8N_ENDPOINT_WEBHOOK` sets it. */
  webhookPath: z
    .string()
    .regex(/^[\w-]+$/, 'must be one word')
    .default('webhook'),
});
type Options = z.infer<typeof options>;

const executionArguments = z.strictObject({ id: z.string().min(1), withData: z.boolean().default(false) });
const executionResult = z.object({
  id: z.string(),
  workflow: z.string(),
  /** new, running, waiting, success, error, canceled, crashed, unknown */
  status: z.string(),
  stoppedAt: z.string().optional(),
  data: z.json().optional(),
});

export const n8n: Adapter<Options> = {
  name: 'n8n',
  title: 'n8n',
  options,
  // Somebody's own server: nothing is published. A tenant may set a `limit`.
  limits: [],
  capabilities: {
    /** `workflow` is the path of its Webhook node. */
    'workflow.start': serves('workflow.start', {
      // n8n itself does not compare keys: the workflow sees the header, and can.
      idempotent: { by: 'header', name: 'Idempotency-Key' },
      call: start,
    }),
    'n8n.getExecution': capability({
      title: 'Read how an execution of a workflow went',
      arguments: executionArguments,
      result: executionResult,
      idempotent: { by: 'nature' },
      call: getExecution,
    }),
  },
};

async function start(
  { workflow, input, callbackUrl }: ArgumentsOf<'workflow.start'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'workflow.start'>> {
  const { idempotencyKey, options: given } = context;
  const body = JSON.stringify({ input, callbackUrl, idempotencyKey });
  const headers = {
    'idempotency-key': idempotencyKey,
    ...signature(idempotencyKey, body, secretOf(context, given.signingSecret), Date.now()),
  };
  const path = workflow.split('/').map(encodeURIComponent).join('/');
  const output = await request(context, 'POST', `/${given.webhookPath}/${path}`, { headers, body });
  return { id: executionOf(output) ?? idempotencyKey, ...(output !== undefined && { output: output as never }) };
}

async function getExecution(
  { id, withData }: z.infer<typeof executionArguments>,
  context: AdapterContext<Options>,
): Promise<z.infer<typeof executionResult>> {
  const headers = { 'x-n8n-api-key': secretOf(context, context.options.apiKey) };
  const query = withData ? '?includeData=true' : '';
  const answer = await request(context, 'GET', `/api/v1/executions/${encodeURIComponent(id)}${query}`, { headers });
  const execution = executionSchema.parse(answer);
  return {
    id: String(execution.id),
    workflow: String(execution.workflowId),
    status: execution.status ?? (execution.finished ? 'success' : 'running'),
    stoppedAt: execution.stoppedAt ?? undefined,
    data: execution.data,
  };
}

/** https://docs.n8n.io/api/api-reference/#tag/execution */
const executionSchema = z.object({
  id: z.union([z.string(), z.number()]),
  workflowId: z.union([z.string(), z.number()]),
  status: z.string().optional(),
  finished: z.boolean().optional(),
  stoppedAt: z.string().nullish(),
  data: z.json().optional(),
});

/** A workflow that answers with `executionId` can be looked up later. */
function executionOf(output: unknown): string | undefined {
  const id = (output as { executionId?: unknown } | null | undefined)?.executionId;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** https://www.standardwebhooks.com: as Spillway's own callbacks are signed, so that one check serves both. */
function signature(id: string, body: string, secret: string, now: number): Record<string, string> {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const timestamp = String(Math.floor(now / 1_000));
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}

function request(
  context: AdapterContext<Options>,
  method: string,
  path: string,
  given: { headers: Record<string, string>; body?: string },
): Promise<unknown> {
  return new Transport(context, dialect).json(method, `https://n8n${path}`, given);
}

const dialect: Dialect = {
  name: 'n8n',
  explain: ({ message }) => (typeof message === 'string' ? message : undefined),
};
