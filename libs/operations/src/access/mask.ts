/** What stands in the place of a value that somebody may not see. */
export const MASK = '•••';

/** Fields of our records that tell of the work and not of its content: shown to everybody who may see the record. */
const PLAIN = new Set(
  `id tenant source provider type state status kind name queue route task path node flow version method what via code class
   worker priority createdBy answeredBy at time acceptedAt routedAt endedAt startedAt createdAt expiresAt answeredAt
   receivedAt releasedAt addedAt failedAt wakeAt stateAt timestamp processedOn processedBy finishedOn delay bytes bodySha256
   attempt attempts attemptsMade durationMs repeat recorded stalled stalledCounter isFailed redrives deadline timeoutMs
   eventId eventIds jobId runId parentRun correlationId specversion datacontenttype providerid idempotencykey correlationid
   causationid traceparent key perSecond burst waitMs granted refused openings blockedMs openMs probeMs matched redriven lastsMs next duplicate`.split(
    /\s+/,
  ),
);

/** Fields that hold more of our records. */
const RECORDS = new Set(
  'events jobs deadLetters sample timeline job meta event error tasks runs children requests approvals opts limits gates'.split(
    ' ',
  ),
);

/** Fields that come from the configuration, as a whole. */
const CONFIGURED = new Set(['definition']);

export interface Shown {
  value: unknown;
  /** Tenants whose payloads are in it, unmasked. */
  tenants: Set<string>;
  /** Whether something is masked. */
  masked: boolean;
}

/**
 * The one place that decides what of an answer somebody sees. What is not known to be harmless is taken for payload: its
 * structure stays, its values do not.
 *
 * @param mayRead whether payloads of this tenant may be seen; null is every tenant
 */
export function maskPayloads(answer: unknown, mayRead: (tenant: string | null) => boolean): Shown {
  const shown: Shown = { value: undefined, tenants: new Set(), masked: false };
  const everywhere = mayRead(null);

  function record(value: unknown, tenant: string | undefined): unknown {
    if (Array.isArray(value)) return value.map((one) => record(one, tenant));
    if (typeof value === 'string' && !everywhere) {
      shown.masked = true;
      return MASK;
    }
    if (!isObject(value)) return value;
    const owner = typeof value['tenant'] === 'string' ? value['tenant'] : tenant;
    const open = everywhere || (owner !== undefined && mayRead(owner));
    if (open && owner !== undefined) {
      shown.tenants.add(owner);
      return value;
    }
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, field(name, one, owner)]));
  }

  function field(name: string, value: unknown, tenant: string | undefined): unknown {
    if (RECORDS.has(name)) return record(value, tenant);
    if (everywhere || CONFIGURED.has(name)) return value;
    if (PLAIN.has(name) && isPlain(value)) return value;
    if (value !== null && value !== undefined) shown.masked = true;
    return hide(value);
  }

  shown.value = record(answer, undefined);
  return shown;
}

/** Structure without values. Names that are not words (a number, an address) are values, too. */
export function hide(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map(hide);
  if (!isObject(value)) return MASK;
  return Object.fromEntries(
    Object.entries(value).map(([name, one], index) => [
      /^[A-Za-z_$][A-Za-z_$.-]{0,39}$/.test(name) ? name : `${MASK}${index + 1}`,
      hide(one),
    ]),
  );
}

function isPlain(value: unknown): boolean {
  return Array.isArray(value) ? value.every((one) => !isObject(one)) : !isObject(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !Buffer.isBuffer(value);
}
