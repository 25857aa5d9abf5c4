import { type SpillwayError, TransientError } from '@spillway/contracts';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Adapter, type AdapterContext, baseUrl, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Answer, type Dialect, Transport } from '../transport';

const options = z.strictObject({
  /** A restricted key with only the rights that are used is best. */
  apiKey: secretName('STRIPE_API_KEY'),
  /** Calls on behalf of a connected account. */
  account: z.string().startsWith('acct_').optional(),
  baseUrl,
});
type Options = z.infer<typeof options>;

/** https://docs.stripe.com/api/idempotent_requests */
const LONGEST_KEY = 255;

export const stripe: Adapter<Options> = {
  name: 'stripe',
  title: 'Stripe',
  options,
  // https://docs.stripe.com/rate-limits: 100 a second for an account in live mode, 25 an endpoint; sandboxes 25 in all.
  limits: [
    // Burst and rate together are what one second may see.
    { name: 'account', perSecond: 80, burst: 20 },
    { name: 'refunds', perSecond: 20, burst: 5, capabilities: ['payments.refund'] },
    { name: 'invoices', perSecond: 20, burst: 5, capabilities: ['payments.retrieveInvoice'] },
  ],
  capabilities: {
    'payments.retrieveInvoice': serves('payments.retrieveInvoice', {
      idempotent: { by: 'nature' },
      call: retrieveInvoice,
    }),
    'payments.refund': serves('payments.refund', {
      idempotent: { by: 'header', name: 'Idempotency-Key' },
      call: refund,
    }),
  },
};

async function retrieveInvoice(
  { id }: ArgumentsOf<'payments.retrieveInvoice'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'payments.retrieveInvoice'>> {
  const { client, transport } = await connect(context);
  const invoice = await transport.run(() => client.invoices.retrieve(id));
  return {
    id: invoice.id,
    // The schema of the result checks it: Stripe's type lets any word through.
    status: (invoice.status ?? 'draft') as ResultOf<'payments.retrieveInvoice'>['status'],
    currency: invoice.currency,
    amountDue: invoice.amount_due,
    amountPaid: invoice.amount_paid,
    customer: typeof invoice.customer === 'string' ? invoice.customer : invoice.customer?.id,
    number: invoice.number ?? undefined,
    url: invoice.hosted_invoice_url ?? undefined,
  };
}

async function refund(
  { payment, amount, reason }: ArgumentsOf<'payments.refund'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'payments.refund'>> {
  const { client, transport } = await connect(context);
  const made = await transport.run(() =>
    client.refunds.create(
      {
        ...(payment.startsWith('ch_') ? { charge: payment } : { payment_intent: payment }),
        amount,
        reason: reason === 'requested-by-customer' ? 'requested_by_customer' : reason,
      },
      { idempotencyKey: keyFor(context.idempotencyKey) },
    ),
  );
  return {
    id: made.id,
    status: STATUS[made.status ?? 'pending'] ?? 'pending',
    amount: made.amount,
    currency: made.currency,
  };
}

/** https://docs.stripe.com/api/refunds/object#refund_object-status */
const STATUS: Record<string, ResultOf<'payments.refund'>['status']> = {
  pending: 'pending',
  requires_action: 'pending',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'failed',
};

/** A client for one call: the key, the abort and the trace are those of the call; connections are shared all the same. */
async function connect(context: AdapterContext<Options>) {
  const transport = new Transport(context, dialect);
  const key = secretOf(context, context.options.apiKey);
  // Loaded when it is used: 25 MB that most processes do without.
  const { default: Stripe } = await import('stripe');
  const client = new Stripe(key, {
    httpClient: Stripe.createFetchHttpClient(transport.fetch),
    // The queue tries again; a client that does so too holds a worker and hides what happens.
    maxNetworkRetries: 0,
    telemetry: false,
    stripeAccount: context.options.account,
  });
  return { client, transport };
}

const dialect: Dialect = {
  name: 'Stripe',
  explain(body): string | undefined {
    const { error } = body as { error?: { code?: string; type?: string; message?: string } };
    return [error?.code ?? error?.type, error?.message].filter(Boolean).join(': ');
  },
  /** https://docs.stripe.com/error-low-level: a 409 is a lock or a key in use, gone in a moment; the header has the last word. */
  classify({ status, headers }: Answer, message: string): SpillwayError | undefined {
    const again = headers['stripe-should-retry'];
    if (again !== 'false' && status === 409)
      return new TransientError(message, { code: 'http-409', details: { status } });
    if (again === 'true' && status !== 429)
      return new TransientError(message, { code: `http-${status}`, details: { status } });
    return undefined;
  },
};

function keyFor(key: string): string {
  return key.length <= LONGEST_KEY ? key : createHash('sha256').update(key).digest('hex');
}
