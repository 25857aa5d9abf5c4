import { createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import hmacValidator from '@adyen/api-library/lib/src/utils/hmacValidator';
import { sign as githubSign, verify as githubVerify } from '@octokit/webhooks-methods';
import { Paddle, Environment } from '@paddle/paddle-node-sdk';
import { EventWebhook } from '@sendgrid/eventwebhook';
import { HTTP } from 'cloudevents';
import Retell from 'retell-sdk';
import { WebhooksHelper } from 'square';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import twilioSdk from 'twilio';
import type { InboundRequest, Provider } from './provider';
import { providerNamed } from './providers';
import { inbound } from './testing/inbound';

const io = { fetchCertificate: () => Promise.reject(new Error('nothing is fetched here')) };
const URL = 'https://hooks.example.com/v1/in/demo/test';

function accepts(name: string, request: InboundRequest, secrets: string[], options: unknown = {}) {
  const provider = providerNamed(name)!;
  return provider.verify(request, { secrets, options: provider.options.parse(options) }, io);
}

/** What our own `sign` makes, for the official SDK to check. */
function ours(name: string, now = Date.now()) {
  const provider = providerNamed(name) as Provider;
  const keys = provider.demoKeys();
  const sample = provider.sample(provider.sampleTypes[0]!, 'a1');
  return {
    ...provider.sign(sample, { url: URL, keys, options: provider.options.parse(keys.options ?? {}), now }),
    keys,
    secret: keys.secrets[0]!,
  };
}

const OK = { ok: true };

describe('published vectors', () => {
  it('Retell', async () => {
    const headers = {
      'x-retell-signature': 'v=1760000000000,d=1eff4565728c63abb5512f522e2444a17069bf137bd2737c0001930295dd1bd4',
    };
    const request = inbound({ body: '{"event":"call_ended"}', headers, receivedAt: 1_760_000_000_000 });
    expect(await accepts('retell', request, ['key_test'])).toEqual(OK);
  });

  it('Twilio', async () => {
    const form = new URLSearchParams({
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    });
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
    };
    const request = inbound({ url: 'https://mycompany.com/myapp.php?foo=1&bar=2', body: form.toString(), headers });
    expect(await accepts('twilio', request, ['12345'])).toEqual(OK);
  });

  it('Adyen', async () => {
    const item = {
      pspReference: '7914073381342284',
      merchantAccountCode: 'TestMerchant',
      merchantReference: 'TestPayment-1407325143704',
      amount: { value: 1130, currency: 'EUR' },
      eventCode: 'AUTHORISATION',
      success: 'true',
      additionalData: { hmacSignature: 'coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=' },
    };
    const request = inbound({ body: JSON.stringify({ notificationItems: [{ NotificationRequestItem: item }] }) });
    const key = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056';
    expect(await accepts('adyen', request, [key])).toEqual(OK);
  });

  it('GitHub', async () => {
    const headers = {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    };
    expect(
      await accepts('github', inbound({ body: 'Hello, World!', headers }), ["It's a Secret to Everybody"]),
    ).toEqual(OK);
  });

  it('Standard Webhooks', async () => {
    const headers = {
      'webhook-id': 'msg_test',
      'webhook-timestamp': '1760000000',
      'webhook-signature': 'v1,KfbDIMvl/WpTVy/Tbx+FF1y69foN+epaoZFSOLkNx3Q=',
    };
    const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
    const request = inbound({ body: '{"type":"a.b"}', headers, receivedAt: 1_760_000_000_000 });
    expect(await accepts('standard-webhooks', request, [secret])).toEqual(OK);
  });

  it('Mailgun', async () => {
    const signature = {
      timestamp: '1760000000',
      token: 'tok',
      signature: '22985c5c9904dfc0406ffbec6504eba5cad15ee9fe86f1afdf0085f8dca4d914',
    };
    const request = inbound({
      body: JSON.stringify({ signature, 'event-data': { event: 'x' } }),
      receivedAt: 1_760_000_000_000,
    });
    expect(await accepts('mailgun', request, ['k'])).toEqual(OK);
  });
});

describe('official SDKs sign, we accept; we sign, they accept', () => {
  it('Retell', async () => {
    const body = '{"event":"call_ended","call":{"call_id":"c"}}';
    const signature = await Retell.sign(body, 'key_x');
    expect(
      await accepts('retell', inbound({ body, headers: { 'x-retell-signature': signature }, receivedAt: Date.now() }), [
        'key_x',
      ]),
    ).toEqual(OK);
    const mine = ours('retell');
    expect(await Retell.verify(mine.body, mine.secret, mine.headers['x-retell-signature']!)).toBe(true);
  });

  it('Twilio', async () => {
    const params = { MessageSid: 'SM1', MessageStatus: 'delivered', Media: ['b', 'a', 'b'], Ünï: 'ö&=', Body: 'a b+c' };
    const signature = twilioSdk.getExpectedTwilioSignature('tok', URL, params);
    const form = new URLSearchParams(
      Object.entries(params).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
    );
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature };
    expect(await accepts('twilio', inbound({ url: URL, body: form.toString(), headers }), ['tok'])).toEqual(OK);
    const stream = providerNamed('twilio')!.sample('com.twilio.messaging.message.delivered', 'a');
    const signed = providerNamed('twilio')!.sign(stream, {
      url: URL,
      keys: { secrets: ['tok'] },
      options: {},
      now: Date.now(),
    });
    expect(
      twilioSdk.validateRequestWithBody('tok', signed.headers['x-twilio-signature']!, signed.url, signed.body),
    ).toBe(true);
  });

  it('Stripe', () => {
    const mine = ours('stripe');
    expect(Stripe.webhooks.constructEvent(mine.body, mine.headers['stripe-signature']!, mine.secret).id).toBe('evt_a1');
  });

  it('Square', async () => {
    const mine = ours('square');
    const signatureHeader = mine.headers['x-square-hmacsha256-signature']!;
    const check = { requestBody: mine.body, signatureHeader, signatureKey: mine.secret, notificationUrl: URL };
    expect(await WebhooksHelper.verifySignature(check)).toBe(true);
  });

  it('Paddle', async () => {
    const mine = ours('paddle');
    const paddle = new Paddle('key', { environment: Environment.sandbox });
    expect(await paddle.webhooks.isSignatureValid(mine.body, mine.secret, mine.headers['paddle-signature']!)).toBe(
      true,
    );
  });

  it('Adyen', () => {
    const mine = ours('adyen');
    const item = (JSON.parse(mine.body) as { notificationItems: { NotificationRequestItem: never }[] })
      .notificationItems[0]!.NotificationRequestItem;
    expect(new hmacValidator().validateHMAC(item, mine.secret)).toBe(true);
  });

  it('GitHub', async () => {
    const body = '{"action":"opened"}';
    const headers = { 'x-hub-signature-256': await githubSign('s3cret', body) };
    expect(await accepts('github', inbound({ body, headers }), ['s3cret'])).toEqual(OK);
    const mine = ours('github');
    expect(await githubVerify(mine.secret, mine.body, mine.headers['x-hub-signature-256']!)).toBe(true);
  });

  it('SendGrid', () => {
    const mine = ours('sendgrid');
    const webhook = new EventWebhook();
    const key = webhook.convertPublicKeyToECDSA(mine.secret);
    const [signature, time] = ['signature', 'timestamp'].map(
      (part) => mine.headers[`x-twilio-email-event-webhook-${part}`]!,
    );
    expect(webhook.verifySignature(key, mine.body, signature!, time!)).toBe(true);
  });

  it('Standard Webhooks, v1', async () => {
    const secret = `whsec_${Buffer.from('another secret of some length').toString('base64')}`;
    const [body, now] = ['{"type":"x"}', new Date()];
    const signature = new Webhook(secret).sign('msg_1', now, body);
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': `v1,AAAA ${signature}`,
    };
    expect(await accepts('standard-webhooks', inbound({ body, headers, receivedAt: now.getTime() }), [secret])).toEqual(
      OK,
    );
    const mine = ours('standard-webhooks');
    expect(new Webhook(mine.secret).verify(mine.body, mine.headers)).toBeTruthy();
  });

  it('Standard Webhooks, v1a, with a key pair made here', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const signature = signBytes(null, Buffer.from('msg_1.1760000000.{"type":"x"}'), privateKey).toString('base64');
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1760000000',
      'webhook-signature': `v1a,${signature}`,
    };
    const request = inbound({ body: '{"type":"x"}', headers, receivedAt: 1_760_000_000_000 });
    expect(await accepts('standard-webhooks', request, [`whpk_${raw.toString('base64')}`])).toEqual(OK);
    expect(await accepts('standard-webhooks', request, [`whsec_${raw.toString('base64')}`])).toMatchObject({
      code: 'signature-mismatch',
    });
  });

  it('GoHighLevel, whose SDK only verifies: the published key is one', () => {
    const mine = ours('gohighlevel');
    expect(
      createPrivateKey({ key: Buffer.from(mine.keys.signingKey!, 'base64'), format: 'der', type: 'pkcs8' })
        .asymmetricKeyType,
    ).toBe('ed25519');
    const published = 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=';
    return expect(
      accepts('gohighlevel', inbound({ body: mine.body, headers: mine.headers }), [published]),
    ).toMatchObject({ code: 'signature-mismatch' });
  });

  it('CloudEvents: its SDK reads what we read', () => {
    const provider = providerNamed('cloudevents')!;
    const sample = provider.sample('com.example.order.created', 'a1');
    const theirs = HTTP.toEvent({ headers: { 'content-type': sample.contentType }, body: sample.body });
    const [event] = provider.normalize(
      inbound({ body: sample.body, headers: { 'content-type': sample.contentType } }),
      { secrets: [], options: {} },
    );
    expect(Array.isArray(theirs) ? theirs[0] : theirs).toMatchObject({
      type: event!.type,
      subject: event!.subject,
      data: event!.data,
    });
    const binary = HTTP.binary(Array.isArray(theirs) ? theirs[0]! : theirs);
    const headers = Object.fromEntries(
      Object.entries(binary.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    const [again] = provider.normalize(inbound({ body: String(binary.body), headers }), { secrets: [], options: {} });
    expect(again).toMatchObject({
      type: event!.type,
      subject: event!.subject,
      dedupeKey: event!.dedupeKey,
      data: event!.data,
    });
  });
});
