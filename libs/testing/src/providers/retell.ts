import { type Asked, FakeProvider, isJson, jsonOf, type Reply } from './fake-provider';

type Call = Record<string, unknown> & { call_id: string };

/**
 * Retell's calls: bearer key, JSON, errors as `{ status: 'error', message }`.
 *
 * @see https://docs.retellai.com/api-references/create-phone-call
 */
export class FakeRetell extends FakeProvider {
  readonly key = 'key_fake_0123456789';
  /** The number of the account, and the agent bound to it. */
  readonly number = '+14155550100';
  readonly calls: Call[] = [];

  errorBody(status: number): unknown {
    return problem(status, status === 429 ? 'Account rate limited' : 'Internal Server Error').body;
  }

  protected answer(request: Asked): Reply {
    if (request.headers.authorization !== `Bearer ${this.key}`) return problem(401, 'Invalid API key');
    if (request.method === 'POST' && !isJson(request)) return problem(400, 'The body must be JSON');
    if (request.method === 'POST' && request.path === '/v2/create-phone-call') return this.create(jsonOf(request));
    if (request.method === 'POST' && request.path === '/v3/list-calls') return this.list(jsonOf(request));
    const [, id] = /^\/v2\/get-call\/(.+)$/.exec(request.path) ?? [];
    if (request.method === 'GET' && id) {
      const call = this.calls.find(({ call_id }) => call_id === id);
      return call ? { status: 200, body: call } : problem(404, `Item ${id} not found from phone-call`);
    }
    return problem(404, 'Not found');
  }

  private create(body: Record<string, unknown>): Reply {
    for (const field of ['from_number', 'to_number']) {
      if (typeof body[field] !== 'string') return problem(400, `body must have required property '${field}'`);
    }
    if (body['from_number'] !== this.number)
      return problem(404, `Item ${String(body['from_number'])} not found from phone-number`);
    const call: Call = {
      call_id: `call_${this.calls.length + 1}`,
      call_type: 'phone_call',
      call_status: 'registered',
      direction: 'outbound',
      agent_id: body['override_agent_id'] ?? 'agent_bound',
      agent_version: 0,
      ...body,
    };
    this.calls.push(call);
    return { status: 201, body: call };
  }

  private list(body: Record<string, unknown>): Reply {
    const criteria = body['filter_criteria'] as { metadata?: { key: string; op: string; value: string }[] } | undefined;
    const wanted = criteria?.metadata ?? [];
    const items = this.calls.filter((call) =>
      wanted.every(({ key, value }) => (call['metadata'] as Record<string, unknown> | undefined)?.[key] === value),
    );
    return { status: 200, body: { items, has_more: false } };
  }
}

function problem(status: number, message: string): Reply {
  return { status, body: { status: 'error', message } };
}
