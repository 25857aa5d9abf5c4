import { z } from 'zod';
import { isoTime, parseObject, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import {
  ACCEPTED,
  anySecret,
  fromBase64,
  hmac,
  refuse,
  sameBytes,
  signatureHeader,
  single,
} from '../primitives/signature';
import type { Provider } from '../provider';

const options = z.strictObject({
  shopDomain: z.string().optional().describe('Only this shop: `demo.myshopify.com`.'),
});
const HEADER = 'x-shopify-hmac-sha256';

/** @see https://shopify.dev/docs/apps/build/webhooks/subscribe/https */
export const shopify: Provider<z.infer<typeof options>> = {
  name: 'shopify',
  title: 'Shopify',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { shopDomain } }) {
    const header = signatureHeader(request, HEADER);
    if (typeof header !== 'string') return header;
    const signature = fromBase64(header);
    if (!signature) return refuse('signature-malformed', `${HEADER} is not base64`);
    const verdict = anySecret(secrets, (secret) => sameBytes(hmac('sha256', secret, request.rawBody), signature));
    if (!verdict.ok) return verdict;
    const shop = single(request, 'x-shopify-shop-domain');
    return !shopDomain || shop === shopDomain ? ACCEPTED : refuse('account-mismatch', `the shop is not ${shopDomain}`);
  },

  normalize(request) {
    const body = parseObject(request);
    const subject = text(body, 'admin_graphql_api_id') ?? text(body, 'id');
    return [
      {
        type: single(request, 'x-shopify-topic') || 'unknown',
        subject,
        time: isoTime(body['updated_at']) ?? isoTime(body['created_at']),
        // Not signed, so it cannot tell duplicates: the body does.
        providerId: single(request, 'x-shopify-webhook-id') || undefined,
        orderingKey: subject,
        data: body,
      },
    ];
  },

  demoKeys: () => ({ secrets: ['shpss_demo_0123456789abcdef'] }),
  sampleTypes: ['orders/create', 'app/uninstalled'],
  sample: (type, seed) =>
    jsonSample(
      type,
      {
        id: seed,
        admin_graphql_api_id: `gid://shopify/Order/${seed}`,
        created_at: '2026-11-20T10:00:00Z',
        total_price: '12.00',
      },
      { 'x-shopify-topic': type, 'x-shopify-webhook-id': seed, 'x-shopify-shop-domain': 'demo.myshopify.com' },
    ),
  sign: (sample, { url, keys }) => ({
    url,
    headers: { [HEADER]: hmac('sha256', keys.secrets[0] ?? '', sample.body).toString('base64') },
    body: sample.body,
  }),
};
