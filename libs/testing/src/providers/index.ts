export { FakeProvider, type Asked, type Reply } from './fake-provider';
export { FakeRetell } from './retell';
export { FakeSlack } from './slack';
export { FakeStripe } from './stripe';
export { FakeTwilio, type TwilioMessage } from './twilio';
