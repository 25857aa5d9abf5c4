import type { Json } from '@spillway/jq';
import { durationMs } from '../definition/durations';
import { entryOf, kindOf, type TaskBase, type TaskDefinition } from '../definition/model';
import { pointerTo } from '../definition/pointer';
import type { CompiledFlow } from './compiled-flow';
import { Fault, standardError } from './errors';
import { failRun, finishRun, rootChildEnded } from './ending';
import { EXTENSIONS, extensionsOf } from './extensions';
import { scopeOf, varsAround } from './scope';
import type { Command, FlowError, Happening, Node, RunState, Step } from './state';
import { KINDS } from './tasks';

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
  private readonly nodes = new Map<number, Node>();
  private readonly parents = new Map<number, Node>();

  constructor(
    readonly flow: CompiledFlow,
    readonly state: RunState,
    readonly around: Surroundings,
  ) {
    this.adopt();
  }

  /** Learns the tree, when it was put in place from outside. */
  adopt(): void {
    this.nodes.clear();
    this.parents.clear();
    if (this.state.root) this.index(this.state.root);
  }

  /** Works until there is nothing to do but wait. */
  work(): void {
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const step = this.state.agenda.shift();
      if (!step) return;
      const node = this.nodes.get(step.node);
      // Whatever it was about was cancelled meanwhile.
      if (!node) continue;
      try {
        this.take(step, node);
      } catch (error) {
        this.fault(node, error);
      }
    }
  }

  node(id: number): Node | undefined {
    return this.nodes.get(id);
  }

  /** Every active node, parents first. */
  active(): Iterable<Node> {
    return this.nodes.values();
  }

  parentOf(node: Node): Node | undefined {
    return this.parents.get(node.id);
  }

  taskOf(node: Node): TaskDefinition {
    return this.flow.task(node.path);
  }

  /** Variables that expressions of a task may name. */
  scope(node: Node, more: Record<string, Json> = {}): Record<string, Json> {
    return { ...scopeOf(this, node), ...more };
  }

  plan(step: Step): void {
    this.state.agenda.push(step);
  }

  /** Adds a child and plans its start. */
  begin(parent: Node, child: { path: string; name?: string; raw: Json; vars?: Record<string, Json> }): Node {
    const { path, name = '', raw, vars } = child;
    const node: Node = { id: this.state.next++, path, name, raw, input: raw, startedAt: this.around.now };
    if (vars) node.vars = vars;
    (parent.children ??= []).push(node);
    this.nodes.set(node.id, node);
    this.parents.set(node.id, parent);
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
    for (const child of [...(node.children ?? [])]) this.drop(child);
    // A run that failed and may be retried still wants the answers that are under way.
    const wanted = this.state.failed && node.wait?.for === 'answer';
    if (node.wait && node.wait.for !== 'time' && !wanted) this.commands.push({ kind: 'forget', node: node.id });
    this.remove(node);
  }

  /** Ends the run in good order: every list is left. */
  end(output: Json): void {
    const root = this.state.root!;
    for (const child of [...(root.children ?? [])]) this.drop(child);
    rootChildEnded(this, output);
  }

  tell(what: Happening['what'], node: Node | undefined, more: Partial<Happening> = {}): void {
    const isTask = node && node.name !== '';
    const task = isTask && {
      node: node.id,
      path: node.path,
      name: node.name,
      kind: kindOf(this.taskOf(node)),
      startedAt: node.startedAt,
      ...(node.attempt !== undefined && { attempt: node.attempt }),
    };
    if (node && !isTask) return;
    this.happenings.push({ at: this.around.now, what, ...(task && { task, input: node.raw }), ...more });
  }

  private take(step: Step, node: Node): void {
    switch (step.do) {
      case 'start':
        return node.name === '' ? this.startList(node) : this.startTask(node);
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

  /** dsl.md, "Data Flow": `if`, validation and transformation of the input, then the task itself. */
  private startTask(node: Node): void {
    const task = this.taskOf(node) as TaskBase;
    if (task.if !== undefined && !this.flow.condition(task.if, node.raw, this.scope(node))) {
      return this.leave(node, node.raw, 'continue');
    }
    this.tell('started', node, { input: node.raw });
    this.flow.validate(task.input?.schema, node.raw, 'the input');
    if (task.input?.from !== undefined) {
      node.input = this.flow.transform(task.input.from, node.raw, this.scope(node));
    }
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

  /** The other half of the data flow: `output.as`, validation, `export.as`, and where to go then. */
  private finish(node: Node, output: Json, then?: string): void {
    if (node === this.state.root) return finishRun(this, output);
    if (node.name === '') return this.leave(node, output, then ?? 'continue');
    const after = node.extensions?.after.shift();
    if (after !== undefined) {
      Object.assign(node.extensions!, { output, then });
      return void this.beginList(node, after, output);
    }
    const task = this.taskOf(node) as TaskBase;
    const scope = this.scope(node, { output });
    const shaped = task.output?.as === undefined ? output : this.flow.transform(task.output.as, output, scope);
    this.flow.validate(task.output?.schema, shaped, 'the output');
    if (task.export?.as !== undefined) {
      const context = this.flow.transform(task.export.as, shaped, { ...scope, output: shaped });
      this.flow.validate(task.export.schema, context, 'the context');
      this.state.context = context;
    }
    if (task.metadata?.['compensate'] !== undefined) {
      const vars = varsAround(this, node);
      this.state.undo.push({
        path: node.path,
        name: node.name,
        input: node.input,
        output: shaped,
        ...(vars && { vars }),
      });
    }
    this.tell('completed', node, { output: shaped });
    this.leave(node, shaped, then ?? task.then ?? 'continue');
  }

  /** Hands a task's end to what it stands in. */
  private leave(node: Node, output: Json, then: string): void {
    const parent = this.parents.get(node.id)!;
    for (const child of [...(node.children ?? [])]) this.drop(child);
    this.remove(node);
    if (then === 'end') return this.end(output);
    if (parent.name === '' && parent !== this.state.root) return this.proceed(parent, output, then);
    if (parent === this.state.root) return rootChildEnded(this, output);
    if (node.path.startsWith(EXTENSIONS)) return this.extended(parent, output, then);
    KINDS[kindOf(this.taskOf(parent))].childCompleted?.(this, parent, node, output, then);
  }

  /** The next task of a list. */
  private proceed(list: Node, output: Json, then: string): void {
    if (then === 'exit') return this.leave(list, output, 'exit');
    const items = this.flow.list(list.path);
    const next = then === 'continue' ? list.at! + 1 : items.findIndex((item) => entryOf(item)[0] === then);
    if (next < 0) throw new Fault(standardError('configuration', `there is no task "${then}" to go on with`));
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
    for (let at = node; at !== root; below = at, at = this.parents.get(at.id)!) {
      if (at !== node && at.name !== '' && this.isTaken(at, below, error)) return this.tellFaults(climbed, error);
      climbed.push(at);
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
      for (const child of [...(at.children ?? [])]) this.drop(child);
      this.fault(at, own);
      return true;
    }
  }

  private tellFaults(nodes: Node[], error: FlowError): void {
    for (const node of nodes) this.tell('faulted', node, { error });
  }

  /** The run has ended. */
  clear(): void {
    this.state.root = undefined;
    this.state.agenda = [];
    this.nodes.clear();
  }

  private index(node: Node): void {
    this.nodes.set(node.id, node);
    for (const child of node.children ?? []) {
      this.parents.set(child.id, node);
      this.index(child);
    }
  }

  private remove(node: Node): void {
    const parent = this.parents.get(node.id);
    if (parent?.children) {
      parent.children = parent.children.filter((child) => child !== node);
      if (parent.children.length === 0) delete parent.children;
    }
    this.nodes.delete(node.id);
    this.parents.delete(node.id);
  }
}
