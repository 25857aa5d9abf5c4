import type { Node } from './state';

/** The active tasks of a run, found by id. The tree itself is in the nodes; this is its index. */
export class Tree {
  private readonly nodes = new Map<number, Node>();
  private readonly parents = new Map<number, Node>();

  constructor(root?: Node) {
    this.adopt(root);
  }

  /** Learns a tree in place of the one it knew. */
  adopt(root: Node | undefined): void {
    this.clear();
    if (root) this.index(root);
  }

  clear(): void {
    this.nodes.clear();
    this.parents.clear();
  }

  get(id: number): Node | undefined {
    return this.nodes.get(id);
  }

  /** Every node, parents before what is in them. */
  active(): Iterable<Node> {
    return this.nodes.values();
  }

  parentOf(node: Node): Node | undefined {
    return this.parents.get(node.id);
  }

  /** A node and what it stands in, up to the root. */
  *upFrom(node: Node): Iterable<Node> {
    for (let at: Node | undefined = node; at; at = this.parents.get(at.id)) yield at;
  }

  add(parent: Node, node: Node): void {
    (parent.children ??= []).push(node);
    this.nodes.set(node.id, node);
    this.parents.set(node.id, parent);
  }

  remove(node: Node): void {
    const parent = this.parents.get(node.id);
    if (parent?.children) {
      parent.children = parent.children.filter((child) => child !== node);
      if (parent.children.length === 0) delete parent.children;
    }
    this.nodes.delete(node.id);
    this.parents.delete(node.id);
  }

  private index(node: Node): void {
    this.nodes.set(node.id, node);
    for (const child of node.children ?? []) {
      this.parents.set(child.id, node);
      this.index(child);
    }
  }
}
