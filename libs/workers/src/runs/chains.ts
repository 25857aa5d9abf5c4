import { sha256 } from '@spillway/contracts';
import { dueType } from '@spillway/flows';
import { Acceptor } from '@spillway/intake';
import type { Platform } from '@spillway/runtime';

/** The event that asks for the next run is the same event as long as the run before is the last one. */
const DEDUPE_MS = 86_400_000;
/** An event that was made is on its way; it is not made again so soon. */
const UNDER_WAY_MS = 60_000;

/**
 * Begins the next run of flows with `schedule.after`. What is to begin is worked out from the runs themselves, so nothing
 * is lost in a crash; the event that begins it is named after the run before, so nothing begins twice.
 */
export class Chains {
  private readonly acceptor: Acceptor;
  /** What was asked for lately, and when. */
  private asked = new Map<string, number>();

  constructor(private readonly platform: Platform) {
    this.acceptor = new Acceptor(platform);
  }

  async next(): Promise<void> {
    const chains = [...this.platform.directory.all()].flatMap(({ name, chains: flows }) =>
      [...flows].map(([flow, afterMs]) => ({ tenant: name, flow, afterMs })),
    );
    if (chains.length === 0) return;
    const now = Date.now();
    const ends = await this.platform.starts.lastEnds(chains);
    this.asked = new Map([...this.asked].filter(([, at]) => at > now - UNDER_WAY_MS));
    for (const { tenant, flow, open, id, endedAt } of ends) {
      const { afterMs } = chains.find((one) => one.tenant === tenant && one.flow === flow)!;
      const isDue = !open && (endedAt?.getTime() ?? -Infinity) + afterMs <= now;
      if (isDue) await this.begin(tenant, flow, id ?? 'first', now);
    }
  }

  private async begin(tenant: string, flow: string, after: string, now: number): Promise<void> {
    const key = `${tenant} ${flow} ${after}`;
    if (this.asked.has(key)) return;
    const data = { after };
    const content = JSON.stringify(data);
    await this.acceptor.accept({
      tenant,
      source: 'schedule',
      provider: 'schedule',
      type: dueType(flow),
      subject: flow,
      dedupeKey: `after.${flow}.${after}`,
      data,
      priority: 'normal',
      dedupeWindow: DEDUPE_MS,
      body: { sha256: sha256(content), bytes: Buffer.byteLength(content) },
      createdBy: `schedule:flow-${flow}`,
    });
    this.asked.set(key, now);
  }
}
