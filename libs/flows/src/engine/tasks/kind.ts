import type { Json } from '@spillway/jq';
import type { Engine } from '../engine';
import type { FlowError, Node } from '../state';

/** What a kind of task does at the turns of its life. Anything thrown is a fault of the task. */
export interface Kind {
  start(engine: Engine, node: Node): void;
  /** What it asked for was answered. @returns whether it goes on with that; else the answer is its output */
  answered?: (engine: Engine, node: Node, output: Json) => boolean;
  /** A task or list inside it has ended. */
  childCompleted?: (engine: Engine, node: Node, child: Node, output: Json, then: string) => void;
  /** A fault comes up through `child`. @returns whether it goes no further; the child is out of the tree then */
  faulted?: (engine: Engine, node: Node, child: Node, error: FlowError) => boolean;
  /** What it waited for in time has come. */
  resume?: (engine: Engine, node: Node) => void;
  /** An event that one of its patterns matches. */
  heard?: (engine: Engine, node: Node, event: { [attribute: string]: Json }) => void;
}
