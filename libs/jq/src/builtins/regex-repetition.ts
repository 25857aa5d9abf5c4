interface Group {
  /** Whether an alternative so far, and the one being read, can match nothing. */
  some: boolean;
  current: boolean;
  captures: boolean;
  /** Whether it has groups that capture, and whether there is more than one way through it. */
  inner: boolean;
  branches: boolean;
}

/**
 * Groups of a regular expression that Oniguruma and JavaScript repeat in ways of their own: those that can match
 * nothing, and those with groups in them that not every turn matches, which JavaScript forgets and Oniguruma keeps.
 */
export class Repetition {
  private readonly groups: Group[] = [aGroup(false)];
  private last: 'text' | 'nothing' | Group = 'nothing';

  /** What matches at least a character. */
  text(): void {
    this.settle();
    this.last = 'text';
  }

  /** An anchor. */
  place(): void {
    this.settle();
    this.last = 'nothing';
  }

  open(captures: boolean): void {
    this.settle();
    this.groups.push(aGroup(captures));
  }

  choice(): void {
    this.settle();
    const group = this.groups.at(-1)!;
    group.some ||= group.current;
    group.current = true;
    group.branches = true;
  }

  /** @param assertion whether it only looks */
  close(assertion: boolean): void {
    this.settle();
    const group = this.groups.pop()!;
    const outer = this.groups.at(-1)!;
    outer.inner ||= group.inner || group.captures;
    outer.branches ||= group.branches;
    this.last = assertion ? 'nothing' : group;
  }

  /** What is wrong with repeating what came last. */
  quantifier(least: number, most: number): string | undefined {
    const { last } = this;
    if (least === 0) this.last = 'nothing';
    this.groups.at(-1)!.branches ||= least === 0;
    if (typeof last === 'string') return undefined;
    if ((last.some || last.current) && !(least === 1 && most === 1))
      return 'a quantifier after a group that can match nothing';
    if (last.inner && last.branches && most > 1) return 'a repeated group with groups in it that may not match';
    return undefined;
  }

  private settle(): void {
    const { last } = this;
    const some = last === 'text' || (typeof last === 'object' && !last.some && !last.current);
    if (some) this.groups.at(-1)!.current = false;
    this.last = 'nothing';
  }
}

function aGroup(captures: boolean): Group {
  return { some: false, current: true, captures, inner: false, branches: false };
}
