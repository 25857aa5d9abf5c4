import { STANDARD_ERRORS } from '@spillway/adapters';
import type { SpillwayError } from '@spillway/contracts';
import type { FlowError } from '@spillway/flows';

/** What a call's failure is to the flow: what the call says of itself, else by the kind of error. */
export function errorOf(error: SpillwayError): FlowError {
  const details = error.details as Partial<FlowError> | undefined;
  const standard = STANDARD_ERRORS[kindOf(error.code)];
  const type = typeof details?.type === 'string' && details.type.includes('://') ? details.type : standard.type;
  return {
    type,
    status: typeof details?.status === 'number' ? details.status : standard.status,
    title: typeof details?.title === 'string' ? details.title : error.code,
    detail: (typeof details?.detail === 'string' ? details.detail : error.message).slice(0, 2_000),
  };
}

function kindOf(code: string): keyof typeof STANDARD_ERRORS {
  if (code === 'attempt-timed-out' || code === 'deadline-passed') return 'timeout';
  if (code === 'template-failed') return 'expression';
  if (code === 'arguments-invalid') return 'validation';
  if (code === 'secret-missing') return 'authorization';
  if (code === 'capability-unknown' || code === 'adapter-unknown' || code === 'binding-missing') return 'configuration';
  return 'communication';
}
