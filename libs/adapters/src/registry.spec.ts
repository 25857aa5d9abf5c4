import fc from 'fast-check';
import { secretNames } from './adapter';
import { ADAPTERS } from './adapters';
import { SHARED } from './capabilities';
import { adapterNamed, bindingSchema, capabilityNamed, capabilityNames, distance, resolve } from './registry';

const bindings = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).map(([name, binding]) => [name, bindingSchema.parse(binding)]));

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('the adapters', () => {
  it('serve every shared capability', () => {
    for (const name of Object.keys(SHARED)) expect(capabilityNamed(name).adapters).not.toEqual([]);
  });

  it.each(ADAPTERS.map((adapter) => [adapter.name, adapter] as const))(
    '%s names its own capabilities after itself',
    (name, adapter) => {
      for (const capability of Object.keys(adapter.capabilities)) {
        if (!(capability in SHARED)) expect(capability).toMatch(new RegExp(`^${name}\\.`));
      }
    },
  );

  it('say which secrets they need', () => {
    const options = { baseUrl: 'https://n8n.example', apiKey: 'OTHER_KEY' };
    expect(secretNames(adapterNamed('n8n'), options).sort()).toEqual(['N8N_SIGNING_SECRET', 'OTHER_KEY']);
  });
});

describe('a name that is not one', () => {
  it('is answered with the nearest', () => {
    expect(() => adapterNamed('twillio')).toThrow('Did you mean twilio?');
    expect(() => capabilityNamed('sms.sned')).toThrow('Did you mean sms.send?');
    expect(() => capabilityNamed('contacts.upsertContact')).toThrow('crm.upsertContact');
  });

  it('is answered with all names when none is near', () => {
    expect(() => adapterNamed('zzzzzzzzzzzz')).toThrow(`There are: ${ADAPTERS.map(({ name }) => name).join(', ')}.`);
  });

  it('is not found in what every object has', () => {
    expect(() => capabilityNamed('constructor')).toThrow('there is no capability "constructor"');
  });
});

describe('which adapter serves a capability', () => {
  it('is the only one that has it', () => {
    const found = resolve(
      'crm.upsertContact',
      bindings({ crm: { adapter: 'gohighlevel' }, pay: { adapter: 'stripe' } }),
    );
    expect(found).toMatchObject({ name: 'crm', adapter: { name: 'gohighlevel' } });
  });

  it('is the one that lists it, before the one that lists its group, before the one that lists nothing', () => {
    const any = { adapter: 'gohighlevel' };
    const group = { adapter: 'twilio', serves: ['sms.*'] };
    const exact = { adapter: 'gohighlevel', serves: ['sms.send'] };
    expect(resolve('sms.send', bindings({ any, group, exact })).name).toBe('exact');
    expect(resolve('sms.send', bindings({ any, group })).name).toBe('group');
    expect(resolve('sms.send', bindings({ any })).name).toBe('any');
  });

  it('is not guessed between two', () => {
    const two = bindings({ a: { adapter: 'twilio' }, b: { adapter: 'gohighlevel' } });
    expect(() => resolve('sms.send', two)).toThrow('could be served by "a" and "b"');
  });

  it('is said to be missing, with those that could', () => {
    const only = bindings({ a: { adapter: 'twilio', serves: ['twilio.*'] } });
    const error = thrownBy(() => resolve('sms.send', only));
    expect(error).toMatchObject({ code: 'capability-unbound', remedy: 'Set up one of: gohighlevel, twilio.' });
  });
});

it('measures how far words are apart', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
      expect(distance(a, a)).toBe(0);
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
  expect(distance('kitten', 'sitting')).toBe(3);
});

it('lists capabilities once each', () => {
  const names = capabilityNames();
  expect(new Set(names).size).toBe(names.length);
});
