import { z } from 'zod';
import { authenticationSchema, type AuthenticationPolicy } from '../authentication/policy';
import { refuse } from './failure';

/** "Endpoint" of the DSL reference. */
export const endpointSchema = z.union([
  z.string(),
  z.object({ uri: z.string(), authentication: authenticationSchema.optional() }),
]);
export type EndpointArgument = z.infer<typeof endpointSchema>;

/** "External Resource" of the DSL reference. */
export const resourceSchema = z.object({ name: z.string().optional(), endpoint: endpointSchema });

export function normalEndpoint(endpoint: EndpointArgument): {
  uri: string;
  authentication?: AuthenticationPolicy | { use: string };
} {
  return typeof endpoint === 'string' ? { uri: endpoint } : endpoint;
}

/**
 * Checks the arguments of a call after their expressions were evaluated.
 *
 * @throws PermanentError `call-invalid` (DSL type `configuration`) that names the field and never its value
 */
export function argumentsOf<T extends z.ZodType>(call: string, schema: T, args: unknown): z.output<T> {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 3).map((issue) => {
    const where = issue.path.join('.') || 'with';
    return `${where}: ${issue.message}`;
  });
  throw refuse('configuration', 'call-invalid', `call: ${call} has wrong arguments: ${problems.join('; ')}`);
}
