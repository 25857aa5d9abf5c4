import type { AnyAdapter } from './adapter';
import { retell } from './retell/retell';
import { slack } from './slack/slack';
import { stripe } from './stripe/stripe';
import { twilio } from './twilio/twilio';

/** Every adapter of this build; `nx g spillway:adapter` adds lines here. */
export const ADAPTERS = [retell, slack, stripe, twilio] as AnyAdapter[];
