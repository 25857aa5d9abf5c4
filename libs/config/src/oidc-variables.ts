import { z } from 'zod';
import { commaList } from './fields';

/** Login through an OpenID provider. A part of the variables. */
export const oidcVariables = {
  OIDC_ISSUER: z
    .url()
    .optional()
    .describe('Login through this OpenID provider: its issuer. See docs/operate/people.md.'),
  OIDC_CLIENT_ID: z.string().optional().describe('Spillway’s id at the provider.'),
  OIDC_CLIENT_SECRET: z.string().optional().describe('Its secret there; without one, Spillway is a public client.'),
  OIDC_SCOPES: z.string().default('openid email profile').describe('What is asked for.'),
  OIDC_NAME: z.string().default('OpenID Connect').describe('What the login page calls the provider.'),
  OIDC_USER_CLAIM: z.string().default('email').describe('The claim that becomes the name of the user.'),
  OIDC_DOMAINS: commaList
    .optional()
    .describe('Only verified addresses of these domains may log in, separated by commas.'),
  OIDC_ROLES: z
    .string()
    .optional()
    .describe('JSON that says what claims give: `[{"claim":"groups","has":"ops","role":"operator","tenant":"shop"}]`.'),
};
