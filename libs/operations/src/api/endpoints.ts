import { Acceptor, Intake } from '@spillway/intake';
import type { Platform } from '@spillway/runtime';
import type { Sessions } from '../access/sessions';
import type { Users } from '../access/users';
import { deadLetterEndpoints } from './dead-letters';
import { encryptionEndpoints } from './encryption';
import type { Endpoint } from './endpoint';
import { eventEndpoints } from './events';
import { jobEndpoints } from './jobs';
import { keyEndpoints } from './keys';
import { laneEndpoints } from './lanes';
import { limitEndpoints } from './limits';
import { ownEndpoints } from './me';
import { peopleEndpoints } from './people';
import { quarantineEndpoints } from './quarantine';
import { quotaEndpoints } from './quotas';
import { recordEndpoints } from './records';
import { replayEndpoint } from './replay';
import { resourceEndpoints } from './resources';
import { runEndpoints } from './runs';
import { sampleEndpoints } from './samples';

/**
 * Every operation there is: the server, the OpenAPI document, and the tests that walk all of them (masking, audit,
 * isolation) are made from this list.
 */
export function allEndpoints(
  platform: Platform,
  { users, sessions, ingressUrl }: { users: Users; sessions: Sessions; ingressUrl: () => string },
): Endpoint[] {
  return [
    ...eventEndpoints(platform),
    ...jobEndpoints(platform),
    ...laneEndpoints(platform),
    ...deadLetterEndpoints(platform),
    ...runEndpoints(platform),
    ...limitEndpoints(platform),
    replayEndpoint(platform),
    ...quarantineEndpoints(platform, new Intake(platform, new Acceptor(platform))),
    ...resourceEndpoints(platform),
    ...quotaEndpoints(platform),
    ...sampleEndpoints(platform, ingressUrl),
    ...recordEndpoints(platform),
    ...encryptionEndpoints(platform),
    ...keyEndpoints(platform),
    ...peopleEndpoints(platform, users, sessions),
    ...ownEndpoints(users, sessions),
  ];
}
