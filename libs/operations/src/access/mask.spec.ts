import * as fc from 'fast-check';
import { hide, MASK, maskPayloads } from './mask';

const nothing = () => false;

describe('an answer for who may not see payloads', () => {
  const record = {
    id: 'e1',
    tenant: 'acme',
    type: 'order.created',
    subject: '+49151',
    acceptedAt: new Date(0),
    event: { id: 'e1', specversion: '1.0', data: { amount: 12, to: ['a', null], '+49151': true } },
    error: { class: 'permanent', code: 'http-400', message: 'it said: +49151', stack: 'at …' },
    jobs: [{ id: 'j1', state: 'done', attempts: 1 }],
    definition: { do: [] },
  };

  it('tells of the work, keeps the structure, and shows no value', () => {
    const { value, masked, tenants } = maskPayloads(record, nothing);
    expect(value).toEqual({
      id: 'e1',
      tenant: 'acme',
      type: 'order.created',
      subject: MASK,
      acceptedAt: new Date(0),
      event: { id: 'e1', specversion: '1.0', data: { amount: MASK, to: [MASK, null], [`${MASK}3`]: MASK } },
      error: { class: 'permanent', code: 'http-400', message: MASK, stack: MASK },
      jobs: [{ id: 'j1', state: 'done', attempts: 1 }],
      definition: { do: [] },
    });
    expect([masked, [...tenants]]).toEqual([true, []]);
  });

  it('says of a released request which events it brought, and which were known', () => {
    const answer = { id: 'q1', events: [{ id: 'e1', duplicate: true }] };
    expect(maskPayloads(answer, nothing)).toMatchObject({ value: answer, masked: false });
  });

  it('is what it is for who may, tenant by tenant', () => {
    const other = { ...record, tenant: 'other' };
    const { value, tenants } = maskPayloads({ events: [record, other] }, (tenant) => tenant === 'acme');
    expect(value).toEqual({ events: [record, expect.objectContaining({ tenant: 'other', subject: MASK })] });
    expect([...tenants]).toEqual(['acme']);
    expect(maskPayloads({ events: [record, other], more: 1 }, () => true)).toEqual({
      value: { events: [record, other], more: 1 },
      tenants: new Set(['acme', 'other']),
      masked: false,
    });
  });

  it('does not take a payload for a record because it looks like one', () => {
    const secret = 'secret';
    const data = { id: secret, tenant: secret, type: secret, event: { id: secret }, error: { code: secret } };
    expect(JSON.stringify(maskPayloads({ ...record, event: { data } }, nothing).value)).not.toContain(secret);
    // A tenant that somebody wrote into a payload opens nothing.
    const tricky = { ...record, tenant: 'other', event: { data: { tenant: 'acme', value: secret } } };
    const { value } = maskPayloads(tricky, (tenant) => tenant === 'acme');
    expect(JSON.stringify(value)).not.toContain(secret);
  });

  it('holds nothing of any payload, wherever it is put', () => {
    const marked = fc
      .jsonValue({ maxDepth: 3 })
      .map((value) => ({ deep: value, mark: 'a secret', 'a secret': [1, 'a secret'] }));
    const name = fc.constantFrom(
      'data',
      'input',
      'output',
      'context',
      'headers',
      'body',
      'result',
      'details',
      'x',
      'id',
      'name',
    );
    fc.assert(
      fc.property(name, marked, (field, payload) => {
        const answer = { items: [payload], tasks: [{ [field]: payload }], [field]: payload };
        expect(JSON.stringify(maskPayloads(answer, nothing).value)).not.toContain('a secret');
        expect(JSON.stringify(hide(payload))).not.toContain('a secret');
      }),
    );
  });
});
