import { type z } from 'zod';
import { type ProtocolContext } from '../protocols/context';
import { refuse } from '../protocols/failure';
import { DigestAuthenticator } from './digest';
import { OAuth2Authenticator } from './oauth2';
import { type AuthenticationPolicy, authenticationSchema, bearerSchema, oauth2Schema, passwordSchema } from './policy';

/** Credentials of one call: it may be asked several times, for redirects and after a 401. */
export interface Authenticator {
  /** Headers that prove who we are, for this request. */
  authorize(request: { method: string; url: URL; body?: Buffer }): Promise<Record<string, string>>;
  /** Told of a 401 and its headers; true when `authorize` gives something else now, once for each call. */
  challenged(headers: Record<string, string>): Promise<boolean>;
}

/**
 * @returns undefined when there is no policy
 * @throws PermanentError `authentication-invalid`, `authentication-unknown`, `secret-missing` or `secret-invalid`
 */
export function authenticatorFor(
  given: AuthenticationPolicy | { use: string } | undefined,
  context: ProtocolContext,
): Authenticator | undefined {
  if (given === undefined) return undefined;
  const policy = named(given, context);
  if (policy.basic) return fixed(basicHeader(propertiesOf('basic', policy.basic, passwordSchema, context)));
  if (policy.bearer) {
    return fixed(`Bearer ${propertiesOf('bearer', policy.bearer, bearerSchema, context).token}`);
  }
  if (policy.digest) return new DigestAuthenticator(propertiesOf('digest', policy.digest, passwordSchema, context));
  for (const kind of ['oauth2', 'oidc'] as const) {
    const given = policy[kind];
    if (given) return new OAuth2Authenticator(kind, propertiesOf(kind, given, oauth2Schema, context), context);
  }
  throw invalid('the authentication policy has none of basic, bearer, digest, oauth2 and oidc');
}

function named(given: AuthenticationPolicy | { use: string }, context: ProtocolContext): AuthenticationPolicy {
  const use = (given as { use?: string }).use;
  const policy = use === undefined ? (given as AuthenticationPolicy) : context.authentications?.[use];
  if (!policy) {
    throw refuse('configuration', 'authentication-unknown', `there is no authentication named ${use}`);
  }
  if (!authenticationSchema.safeParse(policy).success) throw invalid('the authentication policy is not valid');
  return policy;
}

/** The properties of a policy, out of a secret where it says `use`. Messages name fields, never values. */
function propertiesOf<T extends z.ZodType>(kind: string, given: unknown, schema: T, context: ProtocolContext) {
  const use = (given as { use?: string }).use;
  const result = schema.safeParse(use === undefined ? given : secretProperties(use, context));
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => issue.path.join('.') || kind).join(', ');
  if (use === undefined) throw invalid(`authentication ${kind}: wrong or missing: ${fields}`);
  throw refuse(
    'configuration',
    'secret-invalid',
    `the secret ${use} does not fit authentication ${kind}: wrong or missing: ${fields}`,
    `Its value has to be JSON with the properties of ${kind}.`,
  );
}

function secretProperties(name: string, { secrets }: ProtocolContext): unknown {
  const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (value === undefined || value === null) {
    throw refuse('configuration', 'secret-missing', `there is no secret named ${name}`, 'Set it for the tenant.');
  }
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    // Not as a cause: the parser's message repeats what it read.
    return undefined;
  }
}

function invalid(message: string) {
  return refuse('configuration', 'authentication-invalid', message);
}

/** RFC 7617. */
function basicHeader({ username, password }: z.output<typeof passwordSchema>): string {
  if (username.includes(':')) throw invalid('a user name for basic authentication cannot have a colon');
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function fixed(authorization: string): Authenticator {
  return {
    authorize: async () => ({ authorization }),
    challenged: async () => false,
  };
}
