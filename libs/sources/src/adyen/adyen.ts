import { z } from 'zod';
import { at, isObject, isoTime, malformed, parseObject, requiredText, text } from '../primitives/body';
import { jsonSample } from '../primitives/json-sample';
import { ACCEPTED, anySecret, fromBase64, hmac, refuse, sameBytes, secretKey } from '../primitives/signature';
import type { InboundRequest, Provider, Verdict } from '../provider';

const options = z.strictObject({
  merchantAccounts: z.array(z.string()).min(1).optional().describe('Only these merchant accounts.'),
});
const MOST_ITEMS = 100;

/**
 * Each item carries a HMAC over eight of its fields; nothing else of it is authenticated. Secrets are hexadecimal.
 * @see https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures
 */
export const adyen: Provider<z.infer<typeof options>> = {
  name: 'adyen',
  title: 'Adyen',
  options,
  contentTypes: ['application/json'],

  verify(request, { secrets, options: { merchantAccounts } }) {
    const keys = secrets.filter((secret) => /^(?:[0-9a-fA-F]{2})+$/.test(secret));
    if (keys.length === 0) return refuse('secret-missing', 'the source has no HMAC key (hexadecimal)');
    for (const item of itemsOf(request)) {
      const verdict = verifyItem(item, keys);
      if (!verdict.ok) return verdict;
      if (merchantAccounts && !merchantAccounts.includes(text(item, 'merchantAccountCode') ?? '')) {
        return refuse('account-mismatch', 'the merchant account is not one of those the source takes');
      }
    }
    return ACCEPTED;
  },

  normalize: (request) =>
    itemsOf(request).map((item) => {
      const type = requiredText(item, 'eventCode');
      const subject = requiredText(item, 'pspReference');
      return {
        type,
        subject,
        time: isoTime(item['eventDate']),
        providerId: subject,
        dedupeKey: `${subject}:${type}:${text(item, 'success')}`,
        orderingKey: text(item, 'originalReference') ?? subject,
        data: item,
      };
    }),

  reply: () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: '[accepted]' }),

  demoKeys: () => ({ secrets: ['44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'] }),
  sampleTypes: ['AUTHORISATION', 'CAPTURE', 'REFUND'],
  sample: (type, seed) =>
    jsonSample(type, {
      live: 'false',
      notificationItems: [
        {
          NotificationRequestItem: {
            eventCode: type,
            success: 'true',
            eventDate: '2026-11-20T11:00:00+01:00',
            merchantAccountCode: 'ShopEU',
            pspReference: `PSP${seed}`,
            merchantReference: `ord-${seed}`,
            amount: { value: 1130, currency: 'EUR' },
            additionalData: {},
          },
        },
      ],
    }),
  sign(sample, { url, keys }) {
    const body = JSON.parse(sample.body) as {
      notificationItems: { NotificationRequestItem: Record<string, unknown> }[];
    };
    for (const { NotificationRequestItem: item } of body.notificationItems) {
      item['additionalData'] = { hmacSignature: signatureOf(item, keys.secrets[0] ?? '').toString('base64') };
    }
    return { url, headers: {}, body: JSON.stringify(body) };
  },
};

/** @throws BadRequestError `body-malformed` */
function itemsOf(request: InboundRequest): Record<string, unknown>[] {
  const list = parseObject(request)['notificationItems'];
  if (!Array.isArray(list) || list.length === 0) return malformed('the body has no "notificationItems"');
  if (list.length > MOST_ITEMS) return malformed(`more than ${MOST_ITEMS} items`);
  return list.map((entry: unknown) => {
    const item = at(entry, 'NotificationRequestItem');
    return isObject(item) ? item : malformed('an item is not a "NotificationRequestItem"');
  });
}

function verifyItem(item: Record<string, unknown>, keys: string[]): Verdict {
  const header = text(item, 'additionalData', 'hmacSignature');
  if (!header) return refuse('signature-missing', 'an item has no additionalData.hmacSignature');
  const signature = fromBase64(header);
  if (!signature) return refuse('signature-malformed', 'hmacSignature is not base64');
  return anySecret(keys, (key) => sameBytes(signatureOf(item, key), signature));
}

function signatureOf(item: Record<string, unknown>, key: string): Buffer {
  const fields = [
    text(item, 'pspReference'),
    text(item, 'originalReference'),
    text(item, 'merchantAccountCode'),
    text(item, 'merchantReference'),
    text(item, 'amount', 'value'),
    text(item, 'amount', 'currency'),
    text(item, 'eventCode'),
    text(item, 'success'),
  ];
  return hmac('sha256', secretKey(key, 'hex'), fields.map((field) => field ?? '').join(':'));
}
