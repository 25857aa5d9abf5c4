import { createHmac } from 'node:crypto';
import type { HttpAdapter } from '@spillway/adapters';
import { type Notify, PermanentError } from '@spillway/contracts';
import type { Channel } from '../channel';

type CallbackSpec = Extract<Notify, { channel: 'callback' }>;

/** Tells a tenant's own endpoint over HTTP, signed as Standard Webhooks v1, so that any of its libraries verifies it. */
export function callbackChannel(http: HttpAdapter): Channel<CallbackSpec> {
  return {
    name: 'callback',
    async send(spec, { event, secrets, idempotencyKey, signal, dispatcher }) {
      const secret = secrets[spec.secret];
      if (!secret) {
        throw new PermanentError(`tenant "${event.tenant}" has no secret "${spec.secret}"`, {
          code: 'secret-missing',
          remedy: 'Add it to the secrets of the Tenant document, then redrive the dead letter.',
        });
      }
      const result = await http.call(
        { url: spec.url, method: 'POST', headers: {}, body: spec.body },
        {
          input: event,
          variables: { secrets, task: {} },
          idempotencyKey,
          traceparent: event.traceparent,
          tracestate: event.tracestate,
          signal,
          dispatcher,
          sign: (body) => standardWebhookHeaders(idempotencyKey, body, secret, Date.now()),
        },
      );
      return { status: result.status, summary: `POST → ${result.status}` };
    },
  };
}

/** https://www.standardwebhooks.com: base64 HMAC-SHA256 over `id.timestamp.body`; the key is base64 behind `whsec_`. */
export function standardWebhookHeaders(id: string, body: string, secret: string, now: number): Record<string, string> {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
