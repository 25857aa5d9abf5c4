import { PermanentError } from '@spillway/contracts';
import { parse } from 'yaml';
import { z } from 'zod';
import { durationMs } from '../definition/durations';
import { STANDARD_ERRORS, type StandardError, standardErrorUri } from '../definition/standard-errors';

const duration = z.union([z.string(), z.record(z.string(), z.number())]).transform((value, context) => {
  try {
    return durationMs(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

/** A type of error: a URI, or the short name of one of the language's own (`communication`). */
const errorType = z
  .string()
  .transform((type) => (Object.hasOwn(STANDARD_ERRORS, type) ? standardErrorUri(type as StandardError) : type));

const errorShape = {
  type: errorType,
  status: z.int().positive(),
  title: z.string(),
  detail: z.string(),
};

const answer = z
  .strictObject({
    /** Name of the task, JSON pointer to it, or what it calls (`http`, `crm.find`, `NAMESPACE/NAME` of a sub-run). */
    task: z.string().min(1),
    output: z.json(),
    error: z.strictObject({ ...errorShape, title: errorShape.title.optional(), detail: errorShape.detail.optional() }),
    /** How often it answers; without it, always. */
    times: z.int().positive(),
    /** How long it takes. */
    takes: duration,
  })
  .partial()
  .required({ task: true })
  .refine(({ output, error }) => output === undefined || error === undefined, {
    message: 'an answer has an output or an error, not both',
  });

const expectation = z
  .strictObject({
    status: z.enum(['completed', 'faulted', 'waiting']),
    /** Must be the same. */
    output: z.json(),
    /** Must have what is written here; may have more. */
    error: z.strictObject({ ...errorShape, instance: z.string() }).partial(),
    /** Events in order; each must have what is written here and may have more. */
    emitted: z.array(z.record(z.string(), z.json())),
    /** Names of the tasks that called something, in order. */
    calls: z.array(z.string()),
    tookAtLeast: duration,
  })
  .partial();

const flowTest = z.strictObject({
  apiVersion: z.literal('spillway/v1'),
  kind: z.literal('FlowTest'),
  metadata: z.strictObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    flow: z.string().min(1),
    cases: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          input: z.json().default({}),
          answers: z.array(answer).default([]),
          events: z.array(z.record(z.string(), z.json())).default([]),
          /** The time at which the run begins. */
          at: z.iso.datetime({ offset: true }).optional(),
          expect: expectation.default({}),
        }),
      )
      .min(1),
  }),
});

export type FlowTest = z.output<typeof flowTest>;
export type FlowTestCase = FlowTest['spec']['cases'][number];
export type FlowTestAnswer = FlowTestCase['answers'][number];

/**
 * Reads the text of a test of a flow.
 *
 * @throws PermanentError `flow-test-invalid`, which names the place
 */
export function parseFlowTest(text: string): FlowTest {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalid((error as Error).message.split('\n')[0]!);
  }
  const { data, error } = flowTest.safeParse(value);
  if (data) return data;
  throw invalid(error.issues.map(({ path, message }) => `${placeOf(path) || 'the text'}: ${message}`).join('\n'));
}

function placeOf(path: PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function invalid(problem: string): PermanentError {
  return new PermanentError(problem, {
    code: 'flow-test-invalid',
    status: 400,
    remedy: 'Write it as docs/flows/dialect.md shows ("Testing a flow").',
  });
}
