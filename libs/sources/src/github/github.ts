import { z } from 'zod';
import { isObject, malformed, parseObject, text, type JsonObject } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { anySecret, fromHex, hmac, refuse, sameBytes, signatureHeader } from '../primitives/signature';
import type { InboundRequest, Provider } from '../provider';

const options = z.strictObject({});
const HEADER = 'x-hub-signature-256';
const PREFIX = 'sha256=';

/** @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export const github: Provider<z.infer<typeof options>> = {
  name: 'github',
  title: 'GitHub',
  options,
  contentTypes: ['application/json', 'application/x-www-form-urlencoded'],

  verify(request, { secrets }) {
    const header = signatureHeader(request, HEADER);
    if (typeof header !== 'string') return header;
    const signature = header.startsWith(PREFIX) ? fromHex(header.slice(PREFIX.length), 32) : undefined;
    if (!signature) return refuse('signature-malformed', `${HEADER} is not sha256=<hex>`);
    return anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, request.rawBody), signature));
  },

  normalize(request) {
    const body = parseBody(request);
    const event = headerOf(request, 'x-github-event') ?? 'unknown';
    const action = text(body, 'action');
    return [
      {
        type: action ? `${event}.${action}` : event,
        subject: text(body, 'repository', 'full_name') ?? text(body, 'organization', 'login'),
        providerId: headerOf(request, 'x-github-delivery'),
        // The delivery id is not signed: a captured body under a new one must count as a duplicate, so the body decides.
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['github-demo-webhook-secret'] }),
  sampleTypes: ['issues.opened', 'push', 'ping'],
  sample(type, seed) {
    const [event, action] = type.split('.');
    const repository = { id: 1, full_name: 'octo/hello' };
    const body =
      event === 'push'
        ? { ref: 'refs/heads/main', after: seed, repository, pusher: { name: 'ana' } }
        : event === 'ping'
          ? { zen: 'Keep it logically awesome.', hook_id: seed, repository }
          : { action, issue: { number: 1, title: `Sample ${seed}` }, repository, sender: { login: 'ana' } };
    return jsonSample(type, body, { 'x-github-event': event ?? type, 'x-github-delivery': seed });
  },
  sign: (sample, { url, keys }) => ({
    url,
    headers: { [HEADER]: PREFIX + hmac('sha256', keys.secrets[0] ?? '', sample.body).toString('hex') },
    body: sample.body,
  }),
};

/** Form deliveries carry the JSON in `payload`, and sign the raw form. */
function parseBody(request: InboundRequest): JsonObject {
  const type = request.headers['content-type'];
  if (typeof type !== 'string' || !type.startsWith('application/x-www-form-urlencoded')) return parseObject(request);
  const payload = new URLSearchParams(request.rawBody.toString('utf8')).get('payload');
  try {
    const value: unknown = JSON.parse(payload ?? '');
    return isObject(value) ? value : malformed('"payload" is not a JSON object');
  } catch {
    return malformed('the form has no JSON in "payload"');
  }
}

function headerOf(request: InboundRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
