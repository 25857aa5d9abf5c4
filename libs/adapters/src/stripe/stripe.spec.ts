import { FakeStripe } from '@spillway/testing';
import { callOf, errorOf, keepsTheCommonPromises, type Promised } from '../testing/harness';
import { stripe } from './stripe';

let fake: FakeStripe;
beforeEach(async () => (fake = await new FakeStripe().listen()));
afterEach(() => fake.close());

const refund = (): Promised => ({
  adapter: stripe,
  fake: () => fake,
  secrets: { STRIPE_API_KEY: fake.key },
  capability: 'payments.refund',
  parameters: { payment: 'pi_1', amount: 1_200, reason: 'requested-by-customer' },
  refused: { payment: 'pi_1', amount: 999_999 },
  refusal: /greater than charge amount/,
});
const invoice = (): Promised => ({ ...refund(), capability: 'payments.retrieveInvoice', parameters: { id: 'in_1' } });

describe('a refund by Stripe', () => {
  keepsTheCommonPromises(refund);

  it('is made', async () => {
    expect(await callOf(refund())).toEqual({ id: 're_1', status: 'succeeded', amount: 1_200, currency: 'usd' });
    expect(fake.refunds.get('re_1')).toEqual({ payment: 'pi_1', amount: 1_200 });
    expect(fake.asked[0]?.text).toContain('reason=requested_by_customer');
  });

  it('is made once however often it is tried', async () => {
    const first = await callOf(refund());
    expect(await callOf(refund())).toEqual(first);
    expect(fake.refunds.size).toBe(1);
    expect(fake.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-1']);
  });

  it('is made once also under a key that is too long for Stripe', async () => {
    const idempotencyKey = 'k'.repeat(300);
    await callOf(refund(), { idempotencyKey });
    await callOf(refund(), { idempotencyKey });
    expect(fake.refunds.size).toBe(1);
  });

  it('ends for good when the key was used for another refund', async () => {
    await callOf(refund());
    const error = await errorOf(callOf(refund(), { parameters: { payment: 'pi_1', amount: 5 } }));
    expect(error).toMatchObject({ class: 'permanent', code: 'http-400' });
    expect(error.message).toContain('idempotency_error');
  });

  it.each([
    [409, {}, 'transient'],
    [409, { 'stripe-should-retry': 'false' }, 'permanent'],
    [402, {}, 'permanent'],
    [400, { 'stripe-should-retry': 'true' }, 'transient'],
  ])('counts a %d with %j as %s', async (status, headers, expected) => {
    fake.failNext({ status, headers: headers, body: fake.errorBody(status) });
    expect((await errorOf(callOf(refund()))).class).toBe(expected);
  });
});

describe('an invoice of Stripe', () => {
  it('is read', async () => {
    expect(await callOf(invoice())).toEqual({
      id: 'in_1',
      status: 'paid',
      currency: 'usd',
      amountDue: 4_200,
      amountPaid: 4_200,
      customer: 'cus_1',
      number: 'A-0001',
      url: 'https://invoice.stripe.com/i/1',
    });
  });

  it('ends for good when there is none', async () => {
    const error = await errorOf(callOf(invoice(), { parameters: { id: 'in_9' } }));
    expect(error).toMatchObject({ class: 'permanent', code: 'http-404' });
    expect(error.message).toContain('No such invoice');
  });

  it('goes through a proxy with a path', async () => {
    await callOf(invoice(), { options: { baseUrl: `${fake.url}/through/` } }).catch(() => undefined);
    expect(fake.asked.at(-1)?.path).toBe('/through/v1/invoices/in_1');
  });
});
