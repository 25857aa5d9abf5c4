import { at, itemsOf } from './json';
import { describeCatch, describeStart, describeTask, words } from './graph-labels';
import { entriesOf, siteOf, type TaskSite } from './sites';

/** A way out of a part of the drawing; `then` says where to, as a directive does. */
interface Exit {
  from: string;
  label?: string;
  then?: unknown;
}

/** Something drawn: where one comes in, and the ways out. */
interface Block {
  entry: string;
  exits: Exit[];
}

/** Where an error leads: the catch around, or the end of the run. */
interface Around {
  errors: string;
}

/**
 * The definition as a Mermaid flowchart: an arrow wherever one task may follow another, dotted ones for errors and what
 * undoes a task. Functions and extensions are not drawn.
 *
 * @param definition one that `lintFlow` finds no errors in
 */
export function toMermaid(definition: unknown): string {
  return new Drawing().draw(definition);
}

const SHAPES = {
  task: ['[', ']'],
  choice: ['{', '}'],
  loop: ['{{', '}}'],
  listen: ['>', ']'],
  wait: ['[[', ']]'],
  end: ['([', '])'],
} as const;
type Shape = keyof typeof SHAPES;

const FINISH = 'finish';
const FAULT = 'fault';

class Drawing {
  private readonly nodes: string[] = [];
  private readonly edges: string[] = [];
  private depth = 1;
  private count = 0;

  draw(definition: unknown): string {
    const start = this.node('end', describeStart(definition));
    const { entry, exits } = this.list(at(definition, 'do'), { errors: FAULT });
    this.edge({ from: start }, entry);
    for (const exit of exits) this.edge(exit, FINISH);
    for (const [id, label] of [
      [FINISH, 'end'],
      [FAULT, 'faulted'],
    ] as const) {
      if (this.edges.some((edge) => edge.endsWith(` ${id}`))) this.indented(id + shaped('end', [label]));
    }
    return ['flowchart TD', ...this.nodes, ...this.edges, ''].join('\n');
  }

  /** A list of tasks. Its exits are those of the last, and of tasks that leave the list with `exit`. */
  private list(value: unknown, around: Around): Block {
    const blocks = entriesOf(value).map(({ name, task }) => ({ name, ...this.task(siteOf(name, task), around) }));
    if (blocks.length === 0) {
      const nothing = this.node('task', 'nothing');
      return { entry: nothing, exits: [{ from: nothing }] };
    }
    const left: Exit[] = [];
    for (const [index, { exits }] of blocks.entries()) {
      for (const exit of exits) {
        const target = blocks.find(({ name }) => name === exit.then) ?? blocks[index + 1];
        if (exit.then === 'end') this.edge(exit, FINISH);
        else if (exit.then === 'exit' || !target) left.push({ from: exit.from, label: exit.label });
        else this.edge(exit, target.entry);
      }
    }
    return { entry: blocks[0]!.entry, exits: left };
  }

  private task(site: TaskSite, around: Around): Block {
    const condition = site.task['if'];
    if (condition === undefined) return this.unconditional(site, around);
    const choice = this.node('choice', words('if', condition));
    const block = this.unconditional(site, around);
    this.edge({ from: choice, label: 'yes' }, block.entry);
    return { entry: choice, exits: [...block.exits, { from: choice, label: 'no' }] };
  }

  private unconditional(site: TaskSite, around: Around): Block {
    const { task, kind } = site;
    const block = this.kind(site, around);
    const undo = at(task, 'metadata', 'compensate');
    if (undo !== undefined) {
      const tasks = Array.isArray(undo) ? entriesOf(undo) : [{ name: '', task: undo }];
      const text = tasks.map(({ name, task: one }) => `${name} ${describeTask(siteOf(name, one))}`.trim()).join(', ');
      this.dotted(block.entry, 'undone by', this.node('task', text));
    }
    // A switch has said for each case where it goes; a catch may have.
    const exits = block.exits.map((exit) => ('then' in exit ? exit : { ...exit, then: task['then'] }));
    return { entry: block.entry, exits: kind === 'raise' ? [] : exits };
  }

  private kind(site: TaskSite, around: Around): Block {
    const { task, name } = site;
    switch (site.kind) {
      case 'do':
        return this.group(name, () => this.list(task['do'], around));
      case 'for':
        return this.loop('loop', site, task['do'], 'each', around);
      case 'listen':
        if (at(task, 'foreach', 'do') === undefined) return this.single('listen', site);
        return this.loop('listen', site, at(task, 'foreach', 'do'), 'each event', around);
      case 'call': {
        const foreach = at(task, 'with', 'subscription', 'foreach', 'do');
        return foreach === undefined
          ? this.single('task', site)
          : this.loop('listen', site, foreach, 'each message', around);
      }
      case 'fork':
        return this.fork(site, around);
      case 'switch':
        return this.switch(site);
      case 'try':
        return this.try(site, around);
      case 'raise': {
        const block = this.single('task', site);
        this.dotted(block.entry, 'error', around.errors);
        return block;
      }
      default:
        return this.single(site.kind === 'wait' ? 'wait' : 'task', site);
    }
  }

  private single(shape: Shape, site: TaskSite): Block {
    const id = this.node(shape, site.name, describeTask(site));
    return { entry: id, exits: [{ from: id }] };
  }

  private loop(shape: Shape, site: TaskSite, tasks: unknown, each: string, around: Around): Block {
    return this.group(site.name, () => {
      const head = this.node(shape, site.name, describeTask(site));
      const { entry, exits } = this.list(tasks, around);
      this.edge({ from: head, label: each }, entry);
      for (const exit of exits) this.edge(exit, head);
      return { entry: head, exits: [{ from: head, label: 'done' }] };
    });
  }

  private fork(site: TaskSite, around: Around): Block {
    return this.group(site.name, () => {
      const head = this.node('task', site.name, describeTask(site));
      const branches = entriesOf(at(site.task, 'fork', 'branches')).map((item) =>
        this.list([{ [item.name]: item.task }], around),
      );
      const join = this.node('task', at(site.task, 'fork', 'compete') === true ? 'the first' : 'all');
      if (branches.length === 0) this.edge({ from: head }, join);
      for (const { entry, exits } of branches) {
        this.edge({ from: head }, entry);
        for (const exit of exits) this.edge(exit, join);
      }
      return { entry: head, exits: [{ from: join }] };
    });
  }

  private switch(site: TaskSite): Block {
    const id = this.node('choice', site.name);
    const cases = itemsOf(site.task['switch']).flatMap(entriesOfOne);
    const exits: Exit[] = cases.map(({ name, task }) => {
      const when = at(task, 'when');
      return { from: id, label: when === undefined ? name : words(`${name}, if`, when), then: at(task, 'then') };
    });
    const hasDefault = cases.some(({ task }) => at(task, 'when') === undefined);
    return { entry: id, exits: hasDefault ? exits : [...exits, { from: id, label: 'otherwise' }] };
  }

  private try(site: TaskSite, around: Around): Block {
    const caught = site.task['catch'];
    // Drawn first, since the tasks within lead to it.
    const handler = this.node('choice', describeCatch(caught));
    const tried = this.group(site.name, (group) => {
      this.dotted(group, 'error', handler);
      return this.list(site.task['try'], { errors: handler });
    });
    if (at(caught, 'retry') !== undefined) this.dotted(handler, 'retry', tried.entry);
    this.dotted(handler, 'not caught', around.errors);
    const then = at(caught, 'then');
    const after = then === undefined ? {} : { then };
    const tasks = at(caught, 'do');
    if (tasks === undefined)
      return { entry: tried.entry, exits: [...tried.exits, { from: handler, label: 'caught', ...after }] };
    const handling = this.group(`${site.name}, if it fails`, () => this.list(tasks, around));
    this.edge({ from: handler, label: 'caught' }, handling.entry);
    return { entry: tried.entry, exits: [...tried.exits, ...handling.exits.map((exit) => ({ ...exit, ...after }))] };
  }

  private group(name: string, inside: (id: string) => Block): Block {
    const id = `g${(this.count += 1)}`;
    this.indented(`subgraph ${id}["${escapeLabel(name)}"]`);
    this.depth += 1;
    const block = inside(id);
    this.depth -= 1;
    this.indented('end');
    return block;
  }

  private node(shape: Shape, ...lines: string[]): string {
    const id = `n${(this.count += 1)}`;
    this.indented(`${id}${shaped(shape, lines)}`);
    return id;
  }

  private indented(line: string): void {
    this.nodes.push('  '.repeat(this.depth) + line);
  }

  private edge({ from, label }: Exit, to: string): void {
    this.edges.push(label === undefined ? `  ${from} --> ${to}` : `  ${from} -->|"${escapeLabel(label)}"| ${to}`);
  }

  private dotted(from: string, label: string, to: string): void {
    this.edges.push(`  ${from} -.->|"${escapeLabel(label)}"| ${to}`);
  }
}

function entriesOfOne(item: unknown): { name: string; task: unknown }[] {
  return entriesOf([item]);
}

function shaped(shape: Shape, lines: string[]): string {
  const [open, close] = SHAPES[shape];
  const text = lines.filter((line) => line !== '').map(escapeLabel);
  return `${open}"${text.join('<br/>') || '#32;'}"${close}`;
}

const LONGEST_LABEL = 80;

/**
 * Everything that Mermaid or HTML could read as its own becomes a character code: quotes, `#` and `;` of codes, `%%{ }`
 * of directives, and the colon, since Mermaid mends what looks like `style …: #…;` wherever it stands.
 */
function escapeLabel(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  const cut = [...line].length > LONGEST_LABEL ? `${[...line].slice(0, LONGEST_LABEL - 1).join('')}…` : line;
  return (
    cut.replace(
      /[^\p{L}\p{N} .,\u2026/$_()[\]{}=+*|'!?@^~-]|[\ufb02\xb6\xdf]/gu,
      (character) => `#${character.codePointAt(0)};`,
    ) || '#32;'
  );
}
