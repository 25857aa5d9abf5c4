import { z } from 'zod';

const secret = z.strictObject({ use: z.string().min(1) });
const password = z.object({ username: z.string(), password: z.string() });
const token = z.object({ token: z.string(), type: z.string() });

export const bearerSchema = z.object({ token: z.string().min(1) });
export const passwordSchema = password;

/** `oauth2` and `oidc` of the DSL reference. */
export const oauth2Schema = z.object({
  authority: z.string(),
  grant: z.enum([
    'authorization_code',
    'client_credentials',
    'password',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ]),
  client: z
    .object({
      id: z.string().optional(),
      secret: z.string().optional(),
      assertion: z.string().optional(),
      authentication: z
        .enum(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'])
        .optional(),
    })
    .optional(),
  request: z
    .object({
      encoding: z
        .enum(['application/x-www-form-urlencoded', 'application/json'])
        .default('application/x-www-form-urlencoded'),
    })
    .optional(),
  issuers: z.array(z.string()).optional(),
  scopes: z.array(z.string()).optional(),
  audiences: z.array(z.string()).optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  subject: token.optional(),
  actor: token.optional(),
  endpoints: z
    .object({ token: z.string().optional(), revocation: z.string().optional(), introspection: z.string().optional() })
    .optional(),
});
export type OAuth2Properties = z.output<typeof oauth2Schema>;

/** "Authentication" of the DSL reference: exactly one of them, or the name of one of the flow's. */
export const authenticationSchema = z.union([
  z.strictObject({ use: z.string().min(1) }),
  z.strictObject({ basic: z.union([secret, password]) }),
  z.strictObject({ bearer: z.union([secret, bearerSchema]) }),
  z.strictObject({ digest: z.union([secret, password]) }),
  z.strictObject({ oauth2: z.union([secret, oauth2Schema]) }),
  z.strictObject({ oidc: z.union([secret, oauth2Schema]) }),
]);

export interface AuthenticationPolicy {
  basic?: z.input<typeof password> | z.infer<typeof secret>;
  bearer?: z.input<typeof bearerSchema> | z.infer<typeof secret>;
  digest?: z.input<typeof password> | z.infer<typeof secret>;
  oauth2?: z.input<typeof oauth2Schema> | z.infer<typeof secret>;
  oidc?: z.input<typeof oauth2Schema> | z.infer<typeof secret>;
}
