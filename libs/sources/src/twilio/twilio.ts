import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isObject, malformed, parseJson, text } from '../primitives/body';
import {
  anySecret,
  fromBase64,
  fromHex,
  hmac,
  refuse,
  sameBytes,
  signatureHeader,
  single,
} from '../primitives/signature';
import type { InboundRequest, NormalizedEvent, Provider, Reply, Verdict } from '../provider';
import { formOf, isForm } from './form';
import { twilioSample, twilioSampleTypes } from './samples';

const options = z.strictObject({
  accountSid: z.string().optional().describe('Only this account.'),
  twiml: z.string().optional().describe('TwiML to answer calls and messages with; nothing if left out.'),
});
const HEADER = 'x-twilio-signature';

/**
 * HMAC-SHA1 over the public URL and the sorted form; for JSON over the URL alone, which then carries the body's SHA-256.
 * @see https://www.twilio.com/docs/usage/webhooks/webhooks-security
 */
export const twilio: Provider<z.infer<typeof options>> = {
  name: 'twilio',
  title: 'Twilio',
  options,
  contentTypes: ['application/x-www-form-urlencoded', 'application/json'],

  verify(request, { secrets, options: { accountSid } }) {
    const header = signatureHeader(request, HEADER);
    if (typeof header !== 'string') return header;
    const signature = fromBase64(header);
    if (!signature) return refuse('signature-malformed', `${HEADER} is not base64`);
    const form = isForm(request);
    const bodyVerdict = form ? undefined : checkBodyDigest(request);
    if (bodyVerdict) return bodyVerdict;
    const suffix = form ? signedForm(request) : '';
    const verdict = anySecret(secrets, (secret) => sameBytes(hmac('sha1', secret, request.url, suffix), signature));
    if (!verdict.ok || !accountSid || !form) return verdict;
    return formOf(request)['AccountSid'] === accountSid
      ? verdict
      : refuse('account-mismatch', `the account is not ${accountSid}`);
  },

  normalize(request) {
    if (isForm(request)) return [ofForm(request)];
    const body = parseJson(request);
    return Array.isArray(body) ? body.map(ofStream) : [ofJson(body)];
  },

  /** Twilio takes TwiML or nothing; our JSON would be an error to it. */
  reply(request, { options: { twiml } }): Reply | undefined {
    if (!isForm(request)) return undefined;
    if (twiml === undefined) return { status: 204, body: '' };
    return { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: twiml };
  },

  demoKeys: () => ({ secrets: ['demo0twilio0auth0token0123456789'] }),
  sampleTypes: twilioSampleTypes,
  sample: twilioSample,
  sign(sample, { url, keys }) {
    const secret = keys.secrets[0] ?? '';
    const form = sample.contentType === 'application/x-www-form-urlencoded';
    const digest = createHash('sha256').update(sample.body).digest('hex');
    const signed = form ? url : `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${digest}`;
    const suffix = form ? sortedFields(new URLSearchParams(sample.body)) : '';
    return {
      url: signed,
      headers: { [HEADER]: hmac('sha1', secret, signed, suffix).toString('base64') },
      body: sample.body,
    };
  },
};

function checkBodyDigest(request: InboundRequest): Verdict | undefined {
  const given = URL.parse(request.url)?.searchParams.getAll('bodySHA256') ?? [];
  const digest = given.length === 1 ? fromHex(given[0]!, 32) : undefined;
  if (!digest) return refuse('signature-malformed', 'the URL carries no bodySHA256 for its JSON body');
  const actual = createHash('sha256').update(request.rawBody).digest();
  return sameBytes(digest, actual) ? undefined : refuse('signature-mismatch', 'bodySHA256 is not that of the body');
}

function signedForm(request: InboundRequest): string {
  return sortedFields(new URLSearchParams(request.rawBody.toString('utf8')));
}

/** Names in order, each with its values, which are sorted and without repetition: as Twilio's own libraries do. */
function sortedFields(form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  return names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

function ofForm(request: InboundRequest): NormalizedEvent {
  const data = formOf(request);
  const token = single(request, 'i-twilio-idempotency-token') || undefined;
  const message = text(data, 'MessageSid') ?? text(data, 'SmsSid');
  const call = text(data, 'CallSid');
  if (message) {
    const status = text(data, 'MessageStatus') ?? text(data, 'SmsStatus') ?? 'received';
    return {
      type: `message.${status}`,
      subject: message,
      providerId: token,
      dedupeKey: `${message} ${status}`,
      orderingKey: message,
      data,
    };
  }
  if (call) {
    const status = text(data, 'CallStatus') ?? 'unknown';
    const place = text(data, 'SequenceNumber');
    // In the course of a call its status may repeat (gather, record): then the whole form tells.
    const dedupeKey = place === undefined ? undefined : `${call} ${status} ${place}`;
    return { type: `call.${status}`, subject: call, providerId: token, dedupeKey, orderingKey: call, data };
  }
  return { type: 'form', subject: text(data, 'AccountSid'), providerId: token, data };
}

function ofJson(body: unknown): NormalizedEvent {
  if (!isObject(body)) return malformed('the body is neither an object nor an array of events');
  return { type: text(body, 'EventType') ?? text(body, 'type') ?? 'json', subject: text(body, 'Sid'), data: body };
}

/** Event Streams send CloudEvents. @see https://www.twilio.com/docs/events */
function ofStream(event: unknown): NormalizedEvent {
  const id = text(event, 'id');
  const type = text(event, 'type');
  if (!isObject(event) || !id || !type) return malformed('an event has no "id" or "type"');
  return {
    type,
    subject: text(event, 'subject') ?? text(event, 'data', 'messageSid'),
    time: text(event, 'time'),
    providerId: id,
    dedupeKey: id,
    data: event,
  };
}
