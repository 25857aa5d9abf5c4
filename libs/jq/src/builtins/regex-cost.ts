/**
 * How much work a regular expression may make of a text, from above: JavaScript's matching backtracks and cannot be
 * stopped, so what could take long is run where it can.
 */
export class Cost {
  /** Ways through one place for each run that has no bound. */
  private runs = 0;
  private ways = 1;
  private endless = false;
  /** Of each open group, whether there is more than one way through it. */
  private readonly groups: boolean[] = [];
  private last = false;

  atom(): void {
    this.last = false;
  }

  choice(): void {
    this.ways *= 2;
    if (this.groups.length > 0) this.groups[this.groups.length - 1] = true;
  }

  open(): void {
    this.groups.push(false);
  }

  close(): void {
    this.last = this.groups.pop() ?? false;
    if (this.last && this.groups.length > 0) this.groups[this.groups.length - 1] = true;
  }

  quantifier(most: number): void {
    if (this.last && most > 1) this.endless = true;
    if (most > 16) this.runs += 1;
    else this.ways *= most + 1;
    if (this.groups.length > 0) this.groups[this.groups.length - 1] = true;
  }

  /** Steps on a text of so many characters, from each place in it. */
  on(length: number): number {
    return this.endless ? Infinity : this.ways * (length + 1) ** (this.runs + 1);
  }
}
