import { BadRequestError } from '@spillway/contracts';
import type { Sealer } from '@spillway/tenancy';

export type LinkKind = 'callbacks' | 'approvals';

/** Links that let somebody without a key answer one question of one run, until a time. */
export class CallbackLinks {
  constructor(
    private readonly sealer: Sealer,
    /** What the outside calls the ingress. */
    private readonly base: string,
  ) {}

  url(kind: LinkKind, runId: string, node: number, expiresAt: Date): string {
    const until = String(expiresAt.getTime());
    const query = new URLSearchParams({ until, signature: this.sealer.sign(kind, signed(runId, node, until)) });
    return `${this.base.replace(/\/$/, '')}/v1/${kind}/${encodeURIComponent(runId)}/${node}?${query.toString()}`;
  }

  /** @throws BadRequestError 403 `link-invalid`, 410 `link-expired` */
  check(kind: LinkKind, runId: string, node: number, given: { until?: string; signature?: string }): void {
    if (!this.sealer.verify(kind, signed(runId, node, given.until ?? ''), given.signature ?? '')) {
      throw new BadRequestError('the link is not one of ours', { code: 'link-invalid', status: 403 });
    }
    if (Number(given.until) < Date.now()) {
      throw new BadRequestError('the link has expired', { code: 'link-expired', status: 410 });
    }
  }
}

function signed(runId: string, node: number, until: string): string {
  return `${runId}\0${node}\0${until}`;
}
