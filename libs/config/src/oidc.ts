import { PermanentError } from '@spillway/contracts';
import { z } from 'zod';
import type { Variables } from './variables';

/** One line of OIDC_ROLES: who has this in a claim gets that role. */
const ruleSchema = z.strictObject({
  claim: z.string().min(1),
  /** What the claim, or one of its values, must be; `*` stands for any characters, once. */
  has: z.string().min(1),
  role: z.enum(['viewer', 'operator', 'admin']),
  /** Left out, for every tenant; `*` is what `*` stood for in `has`. */
  tenant: z.string().min(1).optional(),
});

export type RoleRule = z.infer<typeof ruleSchema>;

export interface OidcConfig {
  issuer: string;
  clientId: string;
  clientSecret?: string;
  scopes: string;
  /** What the login page calls it. */
  name: string;
  userClaim: string;
  /** Empty: all. */
  domains: string[];
  roles: RoleRule[];
}

/** @throws PermanentError `config-invalid` */
export function oidcOf(variables: Variables): OidcConfig | undefined {
  const issuer = variables.OIDC_ISSUER;
  if (!issuer) return undefined;
  const clientId = variables.OIDC_CLIENT_ID;
  if (!clientId) throw invalid('OIDC_CLIENT_ID is missing', 'Register Spillway at the provider and set its client id.');
  if (!variables.ADMIN_PUBLIC_URL) {
    throw invalid(
      'OIDC_ISSUER needs ADMIN_PUBLIC_URL',
      'Set it to what people call the admin: the provider sends them back there.',
    );
  }
  return {
    issuer: checkedIssuer(issuer),
    clientId,
    clientSecret: variables.OIDC_CLIENT_SECRET,
    scopes: variables.OIDC_SCOPES,
    name: variables.OIDC_NAME,
    userClaim: variables.OIDC_USER_CLAIM,
    domains: (variables.OIDC_DOMAINS ?? []).map((domain) => domain.toLowerCase()),
    roles: rulesOf(variables.OIDC_ROLES),
  };
}

/** Without TLS anybody on the way could say who somebody is; on this machine nobody is on the way. */
function checkedIssuer(issuer: string): string {
  const { protocol, hostname } = new URL(issuer);
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return issuer;
  throw invalid('OIDC_ISSUER must begin with https://', 'Give the issuer as the provider publishes it.');
}

function rulesOf(text: string | undefined): RoleRule[] {
  if (!text) return [];
  try {
    return z.array(ruleSchema).parse(JSON.parse(text));
  } catch (cause) {
    throw invalid(
      'OIDC_ROLES is not the JSON it must be',
      'Give something like [{"claim":"groups","has":"spillway-admins","role":"admin"}].',
      cause,
    );
  }
}

function invalid(message: string, remedy: string, cause?: unknown): PermanentError {
  return new PermanentError(`configuration: ${message}`, { code: 'config-invalid', remedy, cause });
}
