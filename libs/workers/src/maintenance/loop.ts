import type { Log } from '@spillway/observability';

/** Something done again and again, one at a time, until it is closed. A failure is told once and tried again. */
export class Loop {
  private closed = false;
  private failing = false;
  private again = false;
  private idle = false;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();

  /** @param work gives back true when there is more to do at once */
  constructor(
    private readonly name: string,
    private readonly everyMs: number,
    private readonly work: () => Promise<boolean | void>,
    private readonly log: Log,
  ) {}

  start(): this {
    this.schedule(0);
    return this;
  }

  /** The next time is now, or right after the one under way. */
  soon(): void {
    this.again = true;
    if (this.idle) this.schedule(0);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(delayMs: number): void {
    if (this.closed) return;
    clearTimeout(this.timer);
    this.idle = true;
    this.timer = setTimeout(() => {
      this.idle = false;
      this.running = this.once();
    }, delayMs);
  }

  private async once(): Promise<void> {
    let more: boolean | void = false;
    this.again = false;
    try {
      more = await this.work();
      if (this.failing) this.log.info({ loop: this.name }, `${this.name} works again`);
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.log.warn({ loop: this.name, err: error }, `${this.name} failed; it is tried again`);
      this.failing = true;
    }
    this.schedule(more || this.again ? 0 : this.everyMs);
  }
}
