import { type Asked, FakeProvider, formOf, isForm, type Reply } from './fake-provider';

interface Kept {
  body: string;
  reply: Reply;
}

/**
 * Stripe's API v1 for invoices and refunds: bearer key, form bodies, errors in `error`, and its idempotency rules.
 *
 * @see https://docs.stripe.com/api/idempotent_requests https://docs.stripe.com/api/errors
 */
export class FakeStripe extends FakeProvider {
  readonly key = 'sk_test_51FakeFakeFake';
  /** Refunds made, by id. */
  readonly refunds = new Map<string, { payment: string; amount: number }>();
  readonly invoices = new Map<string, Record<string, unknown>>([
    [
      'in_1',
      {
        id: 'in_1',
        object: 'invoice',
        status: 'paid',
        currency: 'usd',
        amount_due: 4_200,
        amount_paid: 4_200,
        customer: 'cus_1',
        number: 'A-0001',
        hosted_invoice_url: 'https://invoice.stripe.com/i/1',
      },
    ],
  ]);
  readonly payments = new Map<string, number>([['pi_1', 4_200]]);
  private readonly kept = new Map<string, Kept>();

  errorBody(status: number): unknown {
    if (status === 429) {
      return { error: { type: 'invalid_request_error', code: 'rate_limit', message: 'Request rate limit exceeded.' } };
    }
    return { error: { type: 'api_error', message: 'An unknown error occurred' } };
  }

  protected answer(request: Asked): Reply {
    if (request.headers.authorization !== `Bearer ${this.key}`) {
      const given = request.headers.authorization?.replace('Bearer ', '') ?? '';
      return problem(401, { type: 'invalid_request_error', message: `Invalid API Key provided: ${given}` });
    }
    if (request.method !== 'POST') return this.act(request);
    if (request.text && !isForm(request)) {
      return problem(400, {
        type: 'invalid_request_error',
        message: 'Invalid request (check that your POST content type is application/x-www-form-urlencoded).',
      });
    }
    return this.once(request);
  }

  /** Same key, same body: the first answer again. Same key, other body: an idempotency_error. */
  private once(request: Asked): Reply {
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string') return this.act(request);
    if (key.length > 255) {
      return problem(400, { type: 'idempotency_error', message: 'Idempotency keys may be up to 255 characters.' });
    }
    const before = this.kept.get(key);
    if (before) {
      if (before.body === request.path + request.text) {
        return { ...before.reply, headers: { 'idempotent-replayed': 'true', 'original-request': 'req_1' } };
      }
      return problem(400, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      });
    }
    const reply = this.act(request);
    // Validation errors before the endpoint runs are not kept.
    if (reply.status < 400) this.kept.set(key, { body: request.path + request.text, reply });
    return reply;
  }

  private act(request: Asked): Reply {
    const [, version, resource, id] = request.path.split('/');
    if (version === 'v1' && resource === 'invoices' && id && request.method === 'GET') {
      const invoice = this.invoices.get(id);
      return invoice ? { status: 200, body: invoice } : missing('invoice', id);
    }
    if (version === 'v1' && resource === 'refunds' && request.method === 'POST') return this.refund(formOf(request));
    return problem(404, {
      type: 'invalid_request_error',
      message: `Unrecognized request URL (${request.method}: ${request.path}).`,
    });
  }

  private refund(form: Record<string, string>): Reply {
    const payment = form['payment_intent'] ?? form['charge'];
    if (!payment) {
      return problem(400, {
        type: 'invalid_request_error',
        message: 'One of the following params should be provided for this request: payment_intent or charge.',
      });
    }
    const paid = this.payments.get(payment);
    if (paid === undefined) return missing('payment_intent', payment);
    const amount = Number(form['amount'] ?? paid);
    if (amount > paid) {
      return problem(400, {
        type: 'invalid_request_error',
        param: 'amount',
        message: `Refund amount ($${amount / 100}) is greater than charge amount ($${paid / 100})`,
      });
    }
    const id = `re_${this.refunds.size + 1}`;
    this.refunds.set(id, { payment, amount });
    const body = { id, object: 'refund', amount, currency: 'usd', status: 'succeeded', payment_intent: payment };
    return { status: 200, body };
  }
}

function problem(status: number, error: Record<string, unknown>): Reply {
  return { status, headers: { 'request-id': 'req_fake' }, body: { error } };
}

function missing(what: string, id: string): Reply {
  return problem(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'id',
    message: `No such ${what}: '${id}'`,
  });
}
