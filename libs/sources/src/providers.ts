import { adyen } from './adyen/adyen';
import { calendly } from './calendly/calendly';
import { cloudevents } from './cloudevents/cloudevents';
import { github } from './github/github';
import { gohighlevel } from './gohighlevel/gohighlevel';
import { hmacProvider } from './hmac/hmac';
import { mailgun } from './mailgun/mailgun';
import { paddle } from './paddle/paddle';
import { paypal } from './paypal/paypal';
import type { Provider } from './provider';
import { retell } from './retell/retell';
import { sendgrid } from './sendgrid/sendgrid';
import { shopify } from './shopify/shopify';
import { slack } from './slack/slack';
import { square } from './square/square';
import { standardWebhooks } from './standard-webhooks/standard-webhooks';
import { stripe } from './stripe/stripe';
import { twilio } from './twilio/twilio';
import { vapi } from './vapi/vapi';

/** Every webhook sender Spillway knows. A new one is a folder beside these and a line here. */
export const providers: readonly Provider[] = [
  adyen,
  calendly,
  cloudevents,
  github,
  gohighlevel,
  hmacProvider,
  mailgun,
  paddle,
  paypal,
  retell,
  sendgrid,
  shopify,
  slack,
  square,
  standardWebhooks,
  stripe,
  twilio,
  vapi,
] as Provider[];

const byName = new Map(providers.map((provider) => [provider.name, provider]));

export function providerNamed(name: string): Provider | undefined {
  return byName.get(name);
}
