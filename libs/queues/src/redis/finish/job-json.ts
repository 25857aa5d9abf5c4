import { type JobJson, type JobsOptions, optsDecodeMap } from 'bullmq';
import { FIELDS } from './script';

/** The values of {@link FIELDS}, in their order. */
export type JobFields = (string | number | null)[];

const AT = Object.fromEntries(FIELDS.map((field, index) => [field, index])) as Record<(typeof FIELDS)[number], number>;

const LONG_NAMES: Record<string, string> = optsDecodeMap;

/**
 * A job as BullMQ's own backend reads it from its hash; see `rawToJobJson` there.
 */
export function decodeJob(fields: JobFields, processedOn: number): JobJson {
  const text = (field: keyof typeof AT) => (fields[AT[field]] ?? undefined) as string;
  const parent = text('parent');
  const deduplicationId = text('deid');
  const finishedOn = text('finishedOn');
  return {
    // It is not in the hash; BullMQ gives it beside.
    id: undefined as unknown as string,
    name: text('name'),
    data: text('data') || '{}',
    opts: decodeOptions(text('opts')),
    progress: JSON.parse(text('progress') || '0') as JobJson['progress'],
    delay: parseInt(text('delay')),
    priority: parseInt(text('priority')),
    timestamp: parseInt(text('timestamp')),
    attemptsStarted: Number(fields[AT.ats] ?? 0),
    attemptsMade: parseInt(text('attemptsMade') || text('atm') || '0'),
    stalledCounter: parseInt(text('stc') || '0'),
    finishedOn: finishedOn ? parseInt(finishedOn) : undefined,
    processedOn,
    repeatJobKey: text('rjk'),
    debounceId: deduplicationId,
    deduplicationId,
    failedReason: text('failedReason'),
    deferredFailure: text('defa'),
    stacktrace: text('stacktrace'),
    returnvalue: text('returnvalue'),
    parentKey: text('parentKey'),
    parent: parent ? (JSON.parse(parent) as JobJson['parent']) : undefined,
    processedBy: text('pb'),
  };
}

/** The options under their long names; see `optsFromJSON` of BullMQ's backend. */
function decodeOptions(json: string | undefined): JobsOptions {
  const options = JSON.parse(json || '{}') as Record<string, unknown>;
  for (const name in options) {
    const long = LONG_NAMES[name];
    if (long) {
      options[long] = options[name];
      delete options[name];
    }
  }
  const { tm, omc } = options;
  if (tm !== undefined || omc !== undefined) {
    delete options['tm'];
    delete options['omc'];
    options['telemetry'] = {
      ...(tm !== undefined && { metadata: tm }),
      ...(omc !== undefined && { omitContext: omc }),
    };
  }
  return options;
}
