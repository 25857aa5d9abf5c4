import { newId, SpillwayError } from '@spillway/contracts';
import type { AuditEntry } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal';

/** What a handler tells of what it does; what it leaves out is taken from the request. */
export interface Note {
  action?: string;
  tenant?: string | null;
  target?: string;
  /** Never a secret, never a payload. */
  details?: Record<string, unknown>;
}

type Books = Pick<Platform, 'audit' | 'facts' | 'log'>;

const BASE = '/api/v1/';

/** What one request leaves in the audit log. */
export class Trail {
  private readonly notes: Note[] = [];

  constructor(
    private readonly books: Books,
    private readonly request: FastifyRequest,
    private readonly who: Pick<Principal, 'actor' | 'actorId'>,
    /** What the log calls it. */
    private readonly action: string,
  ) {}

  readonly note = (note: Note): void => void this.notes.push(note);

  /** After a change, one entry for each note of the handler, and one if it made none. */
  async done(): Promise<void> {
    const notes = this.notes.length > 0 ? this.notes : [{}];
    await keep(
      this.books,
      notes.map((note) => this.entry(note, 'done')),
    );
  }

  /** After a change that was refused or went wrong. What was not a request at all leaves nothing. */
  async failed(error: unknown): Promise<void> {
    const { code, status } = error instanceof SpillwayError ? error : { code: 'internal', status: 500 };
    if (code === 'input-invalid') return;
    const outcome = status < 500 ? 'refused' : 'failed';
    const notes = this.notes.length > 0 ? this.notes : [{}];
    await keep(
      this.books,
      notes.map((note) => this.entry({ ...note, details: { ...note.details, code } }, outcome)),
    );
  }

  /**
   * Before a payload is shown: if this cannot be kept, it is not shown.
   *
   * @throws TransientError `audit-unavailable`
   */
  async looked(tenants: Iterable<string>): Promise<void> {
    await this.books.audit.record(...[...tenants].map((tenant) => this.entry({ tenant }, 'done')));
  }

  private entry(note: Note, outcome: AuditEntry['outcome']): AuditEntry {
    const { request, who } = this;
    const params = (request.params ?? {}) as Record<string, unknown>;
    const tenant = note.tenant === undefined ? params['tenant'] : note.tenant;
    return {
      id: newId(),
      at: Date.now(),
      actor: who.actor,
      actorId: who.actorId,
      action: note.action ?? this.action,
      tenant: typeof tenant === 'string' ? tenant : undefined,
      target: note.target ?? targetOf(request),
      details: note.details,
      outcome,
      ...originOf(request),
    };
  }
}

/** From where a request comes. */
export function originOf(request: FastifyRequest): { address: string; userAgent?: string } {
  return { address: request.ip, userAgent: request.headers['user-agent'] };
}

/**
 * Keeps entries about what has happened already. While the log cannot be written they wait in the queues, under the
 * same ids.
 *
 * @throws TransientError `audit-unavailable` (503) when that is not possible either; then they are in the process's log
 */
export async function keep({ audit, facts, log }: Books, entries: AuditEntry[]): Promise<void> {
  try {
    await audit.record(...entries);
  } catch (cause) {
    try {
      await facts.record(
        entries.map(({ id, tenant, ...entry }) => ({
          ...entry,
          kind: 'audit' as const,
          tenant: tenant ?? '',
          eventId: '',
          entryId: id,
        })),
      );
    } catch (error) {
      log.error({ entries, err: error }, 'audit entries could not be kept');
      throw cause;
    }
  }
}

/** The path below the API, without the query. */
function targetOf(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0]!;
  return path.startsWith(BASE) ? path.slice(BASE.length) : path;
}
