import type { Extension, TaskKind } from '../definition/model';
import { pointerTo } from '../definition/pointer';
import type { Engine } from './engine';
import type { Node } from './state';

const EXTENSIONS = '/use/extensions';

/** Kinds that hold other tasks: `extend: composite`. */
const COMPOSITE: ReadonlySet<TaskKind> = new Set<TaskKind>(['do', 'for', 'fork', 'try']);

/** The lists to run before and after a task; tasks of extensions are not extended themselves. @throws Fault of a `when` */
export function extensionsOf(engine: Engine, node: Node, kind: TaskKind): Node['extensions'] {
  const extensions = engine.flow.definition.use?.extensions;
  if (!extensions || isInside(engine, node)) return undefined;
  const found = { before: [] as string[], after: [] as string[] };
  for (const [index, item] of extensions.entries()) {
    for (const [name, extension] of Object.entries(item)) {
      if (!applies(engine, node, kind, extension)) continue;
      const path = pointerTo(EXTENSIONS, index, name);
      if (extension.before) found.before.push(`${path}/before`);
      if (extension.after) found.after.push(`${path}/after`);
    }
  }
  return found.before.length + found.after.length > 0 ? found : undefined;
}

function applies(engine: Engine, node: Node, kind: TaskKind, { extend, when }: Extension): boolean {
  const kindFits = extend === 'all' || extend === kind || (extend === 'composite' && COMPOSITE.has(kind));
  return kindFits && (when === undefined || engine.flow.condition(when, node.input, engine.scope(node)));
}

function isInside(engine: Engine, node: Node): boolean {
  for (const at of engine.tree.upFrom(node)) if (isOfExtension(at)) return true;
  return false;
}

/** Whether a node is defined in an extension: one of its lists, or what is in them. */
export function isOfExtension({ path }: Node): boolean {
  return path.startsWith(`${EXTENSIONS}/`);
}

/** A `before` or an `after`, or a list within them. */
export function isExtensionList(node: Node): boolean {
  return node.name === '' && isOfExtension(node);
}
