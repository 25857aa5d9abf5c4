import Stripe from 'stripe';
import { inbound } from '../testing/inbound';
import { stripe } from './stripe';

const settings = { secrets: ['whsec_test'], options: { toleranceSeconds: 300 } };
const io = { fetchCertificate: () => Promise.reject(new Error('not used')) };
const now = 1_760_000_000_000;

it('accepts the published vector', () => {
  const request = inbound({
    body: '{"id":"evt_test"}',
    headers: {
      'stripe-signature': 't=1760000000,v1=536afbdd8f3b3b1aad057c2339406a4e64ed2eaea51a031c1f78c830ff75c0dd',
    },
    receivedAt: now,
  });
  expect(stripe.verify(request, settings, io)).toEqual({ ok: true });
});

it('accepts what the official SDK signs, under the old secret of a rotation too', () => {
  const payload = stripe.sample('payment_intent.succeeded', '1').body;
  const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: 'whsec_test', timestamp: now / 1_000 });
  const request = inbound({ body: payload, headers: { 'stripe-signature': header }, receivedAt: now });
  expect(stripe.verify(request, settings, io)).toEqual({ ok: true });
  expect(stripe.verify(request, { ...settings, secrets: ['whsec_new', 'whsec_test'] }, io)).toEqual({ ok: true });
});

it.each([
  [301_000, '301 s old'],
  [-301_000, '301 s in the future'],
])('refuses a signature %d ms off', (offset, words) => {
  const header = Stripe.webhooks.generateTestHeaderString({
    payload: '{}',
    secret: 'whsec_test',
    timestamp: now / 1_000,
  });
  const request = inbound({ body: '{}', headers: { 'stripe-signature': header }, receivedAt: now + offset });
  expect(stripe.verify(request, settings, io)).toMatchObject({
    code: 'timestamp-outside-window',
    reason: expect.stringContaining(words) as string,
  });
});

it('reads snapshot and thin events', () => {
  const [snapshot] = stripe.normalize(inbound({ body: stripe.sample('payment_intent.succeeded', '1').body }), settings);
  expect(snapshot).toMatchObject({ type: 'payment_intent.succeeded', subject: 'pi_1', dedupeKey: 'evt_1' });
  const [thin] = stripe.normalize(inbound({ body: stripe.sample('v2.core.account.updated', '1').body }), settings);
  expect(thin).toMatchObject({ type: 'v2.core.account.updated', subject: 'acct_1' });
});
