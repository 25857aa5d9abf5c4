import type { Sample } from '../provider';

export const stripeSampleTypes = ['payment_intent.succeeded', 'invoice.payment_failed', 'v2.core.account.updated'];

/** Snapshots carry the object; events of API v2 are thin and name it. */
export function stripeSample(type: string, seed: string): Sample {
  const created = 1_795_200_000;
  const body = type.startsWith('v2.')
    ? {
        id: `evt_test_${seed}`,
        object: 'v2.core.event',
        type,
        created: new Date(created * 1_000).toISOString(),
        livemode: false,
        related_object: { id: `acct_${seed}`, type: 'v2.core.account', url: `/v2/core/accounts/acct_${seed}` },
      }
    : {
        id: `evt_${seed}`,
        object: 'event',
        type,
        created,
        livemode: false,
        data: { object: { id: `pi_${seed}`, amount: 1_200, currency: 'usd', status: 'succeeded' } },
      };
  return { type, contentType: 'application/json', body: JSON.stringify(body) };
}
