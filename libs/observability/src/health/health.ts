import { inTime } from '@spillway/contracts';
import { ready as readyGauge } from '../metrics/catalogue';

/** @returns what is worth telling beside "ok"; throws what is wrong */
export type HealthCheck = () => Promise<Record<string, unknown> | void>;

export interface RoleHealth {
  ready: boolean;
  /** Why it is not. */
  reason?: string;
  [detail: string]: unknown;
}

export interface Readiness {
  status: 'ok' | 'not-ready' | 'draining';
  roles: Record<string, RoleHealth>;
}

/** A check that does not answer has failed. */
const CHECK_MS = 2_500;

/** What this process knows of itself. A role that starts says how it is checked; one that drains says that, too. */
export class Health {
  private readonly checks = new Map<string, HealthCheck>();
  private draining = false;

  /** @param role what is checked; a role that is asked twice is ready when its last check says so */
  add(role: string, check: HealthCheck): void {
    this.checks.set(role, check);
  }

  /** From now on nothing is ready: what is under way is finished, nothing new is to come. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** A process without roles is still starting. */
  async readiness(): Promise<Readiness> {
    const found = await Promise.all(
      [...this.checks].map(async ([role]) => [role, await this.roleReadiness(role)] as const),
    );
    const roles = Object.fromEntries(found);
    const isReady = found.length > 0 && found.every(([, { ready }]) => ready);
    return { status: this.draining ? 'draining' : isReady ? 'ok' : 'not-ready', roles };
  }

  /** One role of the process. */
  async roleReadiness(role: string): Promise<RoleHealth> {
    const found = await this.check(role);
    readyGauge.set(found.ready ? 1 : 0, role);
    return found;
  }

  private async check(role: string): Promise<RoleHealth> {
    if (this.draining) return { ready: false, reason: 'it drains' };
    const check = this.checks.get(role);
    if (!check) return { ready: false, reason: 'it has not started' };
    try {
      return { ready: true, ...(await inTime(check(), CHECK_MS)) };
    } catch (error) {
      return { ready: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
