export { FakeProvider, type Asked, type Reply } from './fake-provider';
export { FakeGoHighLevel } from './gohighlevel';
export { FakeN8n } from './n8n';
export { FakeRetell } from './retell';
export { FakeSlack } from './slack';
export { FakeStripe } from './stripe';
export { FakeTwilio, type TwilioMessage } from './twilio';
