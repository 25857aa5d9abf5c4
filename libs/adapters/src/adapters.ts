import type { AnyAdapter } from './adapter';
import { gohighlevel } from './gohighlevel/gohighlevel';
import { n8n } from './n8n/n8n';
import { retell } from './retell/retell';
import { slack } from './slack/slack';
import { stripe } from './stripe/stripe';
import { twilio } from './twilio/twilio';

/** Every adapter of this build; `nx g spillway:adapter` adds lines here. */
export const ADAPTERS = [gohighlevel, n8n, retell, slack, stripe, twilio] as AnyAdapter[];
