import { z } from 'zod';
import { SpillwayError, messageOf } from './errors';

/** RFC 9457 problem details, the only error body Spillway sends over HTTP. */
export const problemSchema = z
  .object({
    type: z.string().describe('A URI reference for the kind of problem: `/problems/{code}`.'),
    title: z.string().describe('The code in words; the same for every occurrence.'),
    status: z.number().int(),
    detail: z.string().describe('What went wrong this time.'),
    code: z.string().describe('Stable, machine-readable.'),
    remedy: z.string().optional().describe('What to do about it.'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    instance: z.string().optional().describe('The request or event this is about.'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** Maps any thrown value to problem details; what we did not raise on purpose says nothing of our insides. */
export function toProblem(error: unknown): Problem {
  if (error instanceof SpillwayError) {
    const errors = error.details?.errors;
    return {
      type: `/problems/${error.code}`,
      title: error.code.replaceAll('-', ' '),
      status: error.status,
      detail: error.message,
      code: error.code,
      ...(error.remedy && { remedy: error.remedy }),
      ...(Array.isArray(errors) && { errors: errors as Problem['errors'] }),
    };
  }
  const status = statusOfFrameworkError(error);
  if (status < 500) {
    const code = status === 404 ? 'not-found' : status === 413 ? 'payload-too-large' : 'bad-request';
    return { type: `/problems/${code}`, title: code.replaceAll('-', ' '), status, detail: messageOf(error), code };
  }
  return {
    type: '/problems/internal',
    title: 'internal error',
    status: 500,
    detail: 'Something went wrong on our side; the log has the details.',
    code: 'internal',
  };
}

/** Fastify sets `statusCode`, Nest's HttpException has `getStatus()`. */
function statusOfFrameworkError(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 500;
  if ('getStatus' in error && typeof error.getStatus === 'function')
    return Number((error.getStatus as () => number).call(error));
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 500;
}
