import type { Json } from '@spillway/jq';
import { durationMs } from '../definition/durations';
import { entryOf, kindOf, type TaskBase, type TaskDefinition } from '../definition/model';
import { pointerTo } from '../definition/pointer';
import type { CompiledFlow } from './compiled-flow';
import { answerOf, giveOutput, takeInput, unshaped } from './data-flow';
import { failRun, finishRun, rootChildEnded } from './ending';
import { Fault, standardError } from './errors';
import { extensionsOf, isExtensionList, isOfExtension } from './extensions';
import { iterationOf, newContext } from './restart-points';
import { scopeOf } from './scope';
import type { Command, FlowError, Happening, Node, RunState, Step } from './state';
import { KINDS } from './tasks';
import { Tree } from './tree';
import { rememberUndo } from './undo';

/** Inline steps in one advance; a run that does more goes on in the next one, so that no run holds a worker. */
const MOST_STEPS = 2_000;

export interface Surroundings {
  run: { id: string };
  now: number;
  /** From 0 to 1; for jitter. */
  random: () => number;
}

/**
 * One advance: works off the agenda over the tree of active tasks. It does nothing itself: what is to happen outside
 * comes out as commands. The tasks' kinds are in `tasks/`.
 */
export class Engine {
  readonly commands: Command[] = [];
  readonly happenings: Happening[] = [];
  readonly tree: Tree;
  /** Tasks that a fault is climbing through: they are told as faulted, not as cancelled. */
  private readonly faulting = new Set<number>();

  constructor(
    readonly flow: CompiledFlow,
    readonly state: RunState,
    readonly around: Surroundings,
  ) {
    this.tree = new Tree(state.root);
  }

  /** Works until there is nothing to do but wait. */
  work(): void {
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const step = this.state.agenda.shift();
      if (!step) return;
      const node = this.tree.get(step.node);
      // Whatever it was about was cancelled meanwhile.
      if (!node) continue;
      try {
        this.take(step, node);
      } catch (error) {
        this.fault(node, error);
      }
    }
  }

  taskOf(node: Node): TaskDefinition {
    return this.flow.task(node.path);
  }

  /** Variables that expressions of a task may name. @param output of the task, before `output.as` */
  scope(node: Node, more: Record<string, Json> = {}, output: Json = null): Record<string, Json> {
    return { ...scopeOf(this, node, output), ...more };
  }

  plan(step: Step): void {
    this.state.agenda.push(step);
  }

  /** Adds a child and plans its start. */
  begin(parent: Node, child: { path: string; name?: string; raw: Json; vars?: Record<string, Json> }): Node {
    const { path, name = '', raw, vars } = child;
    const node: Node = { id: this.state.next++, path, name, raw, input: raw, startedAt: this.around.now };
    if (vars) node.vars = vars;
    this.tree.add(parent, node);
    this.plan({ do: 'start', node: node.id });
    return node;
  }

  /** A list of tasks is a node of its own, without a name. */
  beginList(parent: Node, path: string, raw: Json, vars?: Record<string, Json>): Node {
    return this.begin(parent, { path, raw, vars });
  }

  complete(node: Node, output: Json, then?: string): void {
    this.plan({ do: 'complete', node: node.id, output, ...(then !== undefined && { then }) });
  }

  fault(node: Node, cause: unknown): void {
    const error = cause instanceof Fault ? cause.error : standardError('runtime', (cause as Error).message);
    this.plan({ do: 'fault', node: node.id, error: { ...error, instance: error.instance ?? node.path } });
  }

  /** Milliseconds of a duration that may be an expression. @throws Fault */
  duration(model: unknown, node: Node): number {
    const value = this.flow.template(model, node.input, this.scope(node));
    try {
      return durationMs(value as string);
    } catch (error) {
      throw new Fault(standardError('expression', (error as Error).message));
    }
  }

  /** Takes a node out of the tree, with all that is in it: nobody waits for it any more. */
  drop(node: Node): void {
    this.dropChildren(node);
    const { failed, agenda } = this.state;
    if (node.wait && node.wait.for !== 'time') {
      // A run that failed and may be retried still wants the answers that are under way.
      if (!failed || node.wait.for !== 'answer') this.commands.push({ kind: 'forget', node: node.id });
    }
    const begun = !agenda.some((step) => step.do === 'start' && step.node === node.id);
    if (begun && !failed && !this.faulting.has(node.id)) this.tell('cancelled', node, { input: node.raw });
    this.tree.remove(node);
  }

  dropChildren(node: Node): void {
    for (const child of [...(node.children ?? [])]) this.drop(child);
  }

  /** Ends the run in good order: every list is left. */
  end(output: Json): void {
    this.dropChildren(this.state.root!);
    rootChildEnded(this, output);
  }

  /** Notes what happened to a task, or to the run; what happens to lists is nobody's business. */
  tell(what: Happening['what'], node: Node | undefined, more: Partial<Happening> = {}): void {
    if (node && node.name === '') return;
    const task = node && {
      node: node.id,
      path: node.path,
      name: node.name,
      kind: kindOf(this.taskOf(node)),
      startedAt: node.startedAt,
      ...(node.attempt !== undefined && { attempt: node.attempt }),
      ...iterationOf(this, node),
    };
    this.happenings.push({ at: this.around.now, what, ...(task && { task }), ...more });
  }

  /** The run has ended. */
  close(status: 'completed' | 'faulted' | 'cancelled', more: Partial<Happening> = {}): void {
    this.state.status = status;
    delete this.state.root;
    this.state.agenda = [];
    this.tree.clear();
    this.tell(status, undefined, more);
  }

  private take(step: Step, node: Node): void {
    switch (step.do) {
      case 'start':
        return node.name === '' ? this.startList(node) : this.startTask(node);
      case 'answer':
        if (KINDS[kindOf(this.taskOf(node))].answered?.(this, node, step.output)) return;
        return this.finish(node, step.output);
      case 'complete':
        return this.finish(node, step.output, step.then);
      case 'fault':
        return this.fail(node, step.error);
      case 'resume':
        return KINDS[kindOf(this.taskOf(node))].resume?.(this, node);
    }
  }

  private startList(node: Node): void {
    node.at ??= 0;
    const item = this.flow.list(node.path)[node.at];
    if (!item) return this.leave(node, node.raw, 'continue');
    const [name] = entryOf(item);
    this.begin(node, { path: pointerTo(node.path, node.at, name), name, raw: node.raw });
  }

  private startTask(node: Node): void {
    const task = this.taskOf(node) as TaskBase;
    if (task.if !== undefined && !this.flow.condition(task.if, node.raw, this.scope(node))) {
      return this.leave(node, node.raw, 'continue');
    }
    this.tell('started', node, { input: node.raw, ...newContext(this, node) });
    node.input = takeInput(this, node, task.input);
    const timeout = this.flow.timeout(task.timeout);
    if (timeout) node.deadline = this.around.now + this.duration(timeout.after, node);
    this.perform(node);
  }

  /** The lists of extensions before it, then the task itself. */
  private perform(node: Node): void {
    const kind = kindOf(this.taskOf(node));
    node.extensions ??= extensionsOf(this, node, kind);
    const before = node.extensions?.before.shift();
    if (before !== undefined) this.beginList(node, before, node.input);
    else KINDS[kind].start(this, node);
  }

  /** A list of an extension has ended: `exit` in one before the task stands for the task. */
  private extended(node: Node, output: Json, then: string): void {
    const extensions = node.extensions!;
    if (extensions.output !== undefined) return this.finish(node, extensions.output, extensions.then);
    if (then !== 'exit') return this.perform(node);
    this.complete(node, output);
  }

  /** A task's output is shaped, and it is decided where to go then. */
  private finish(node: Node, output: Json, then?: string): void {
    if (node === this.state.root) return finishRun(this, output);
    if (node.name === '') return this.leave(node, output, then ?? 'continue');
    const after = node.extensions?.after.shift();
    if (after !== undefined) {
      Object.assign(node.extensions!, { output, ...(then !== undefined && { then }) });
      return void this.beginList(node, after, output);
    }
    const task = this.taskOf(node) as TaskBase;
    const shaped = giveOutput(this, node, task, output);
    rememberUndo(this, node, shaped);
    this.tell('completed', node, {
      input: node.raw,
      output: shaped,
      ...unshaped(task, answerOf(node, output), shaped),
    });
    this.leave(node, shaped, then ?? task.then ?? 'continue');
  }

  /** Hands a task's end to what it stands in, which is to blame for what goes wrong then. */
  private leave(node: Node, output: Json, then: string): void {
    const parent = this.tree.parentOf(node)!;
    this.dropChildren(node);
    this.tree.remove(node);
    try {
      this.childEnded(parent, node, output, then);
    } catch (cause) {
      this.fault(parent, cause);
    }
  }

  private childEnded(parent: Node, node: Node, output: Json, then: string): void {
    if (then === 'end') return this.end(output);
    if (parent === this.state.root) return rootChildEnded(this, output);
    if (parent.name === '') return this.proceed(parent, node, output, then);
    if (isExtensionList(node) && !isOfExtension(parent)) return this.extended(parent, output, then);
    KINDS[kindOf(this.taskOf(parent))].childCompleted?.(this, parent, node, output, then);
  }

  /** The next task of a list. @throws Fault if it is not there */
  private proceed(list: Node, from: Node, output: Json, then: string): void {
    if (then === 'exit') return this.leave(list, output, 'exit');
    const items = this.flow.list(list.path);
    const next = then === 'continue' ? list.at! + 1 : items.findIndex((item) => entryOf(item)[0] === then);
    if (next < 0) {
      const error = standardError('configuration', `there is no task "${then}" to go on with`);
      throw new Fault({ ...error, instance: from.path });
    }
    if (next >= items.length) return this.leave(list, output, 'continue');
    list.at = next;
    list.raw = output;
    this.startList(list);
  }

  /** A fault climbs until a `try` takes it; at the top it ends the run. */
  private fail(node: Node, error: FlowError): void {
    const root = this.state.root!;
    const climbed: Node[] = [];
    let below = node;
    this.faulting.clear();
    for (const at of this.tree.upFrom(node)) {
      if (at === root) break;
      if (at !== node && at.name !== '' && this.isTaken(at, below, error)) return this.tellFaults(climbed, error);
      climbed.push(at);
      this.faulting.add(at.id);
      below = at;
    }
    this.tellFaults(climbed, error);
    failRun(this, node, error);
  }

  /** @throws Fault of the `try` itself, which replaces the one that it looked at */
  private isTaken(at: Node, below: Node, error: FlowError): boolean {
    const { faulted } = KINDS[kindOf(this.taskOf(at))];
    if (!faulted) return false;
    try {
      return faulted(this, at, below, error);
    } catch (own) {
      this.dropChildren(at);
      this.fault(at, own);
      return true;
    }
  }

  private tellFaults(nodes: Node[], error: FlowError): void {
    for (const node of nodes) this.tell('faulted', node, { input: node.raw, error });
  }
}
