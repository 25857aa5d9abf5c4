import { kindsOf } from './explain-choice';
import { at, type Fields, fieldsOf, isFields, itemsOf } from './json';
import type { TaskKind } from './model';
import { pointerTo } from './pointer';

/** A task and where it stands. */
export interface TaskSite {
  path: string;
  name: string;
  task: Fields;
  /** Undefined for what is no task. */
  kind?: TaskKind;
  /** Undefined for a task that stands alone: a function, a compensation. */
  list?: ListSite;
  /** Names that loops, catches and subscriptions around it give to expressions. */
  variables: string[];
}

export interface ListSite {
  path: string;
  /** Branches of a fork run side by side: there is no next task. */
  parallel: boolean;
  tasks: TaskSite[];
}

/** Every task and every list of tasks of a definition, in order; what is malformed is left out. */
export interface Sites {
  tasks: TaskSite[];
  lists: ListSite[];
}

export function sitesOf(definition: unknown): Sites {
  const sites: Sites = { tasks: [], lists: [] };
  visitList(sites, at(definition, 'do'), '/do', []);
  for (const [name, task] of Object.entries(fieldsOf(at(definition, 'use', 'functions')))) {
    visitTask(sites, { task, name, path: pointerTo('/use/functions', name), variables: [] });
  }
  for (const [index, item] of itemsOf(at(definition, 'use', 'extensions')).entries()) {
    for (const [name, extension] of Object.entries(fieldsOf(item))) {
      const path = pointerTo('/use/extensions', index, name);
      visitList(sites, at(extension, 'before'), `${path}/before`, []);
      visitList(sites, at(extension, 'after'), `${path}/after`, []);
    }
  }
  return sites;
}

/** The names and tasks of a list, in order. */
export function entriesOf(list: unknown): { name: string; task: unknown }[] {
  return itemsOf(list).flatMap((item) => Object.entries(fieldsOf(item)).map(([name, task]) => ({ name, task })));
}

/** A task by itself, wherever it stands. */
export function siteOf(name: string, task: unknown): TaskSite {
  const kinds = kindsOf(fieldsOf(task));
  return { path: '', name, task: fieldsOf(task), variables: [], kind: kinds.length === 1 ? kinds[0] : undefined };
}

function visitList(sites: Sites, value: unknown, path: string, variables: string[], parallel = false): void {
  if (!Array.isArray(value)) return;
  const list: ListSite = { path, parallel, tasks: [] };
  sites.lists.push(list);
  for (const [index, item] of value.entries()) {
    for (const [name, task] of Object.entries(fieldsOf(item))) {
      visitTask(sites, { task, name, path: pointerTo(path, index, name), list, variables });
    }
  }
}

function visitTask(sites: Sites, found: Omit<TaskSite, 'task' | 'kind'> & { task: unknown }): void {
  const { task, path, variables, list, name } = found;
  if (!isFields(task)) return;
  const kinds = kindsOf(task);
  const site: TaskSite = { path, name, task, list, variables, kind: kinds.length === 1 ? kinds[0] : undefined };
  sites.tasks.push(site);
  list?.tasks.push(site);
  const inner = (keys: string[], more: string[] = [], parallel = false) =>
    visitList(sites, at(task, ...keys), pointerTo(path, ...keys), [...variables, ...more], parallel);

  inner(['do'], site.kind === 'for' ? loopVariables(task) : []);
  inner(['fork', 'branches'], [], true);
  inner(['try']);
  inner(['catch', 'do'], [caughtAs(task)]);
  inner(['foreach', 'do'], iteratorVariables(task['foreach']));
  if (task['call'] === 'asyncapi') {
    const foreach = ['with', 'subscription', 'foreach'];
    inner([...foreach, 'do'], iteratorVariables(at(task, ...foreach)));
  }
  visitCompensation(sites, at(task, 'metadata', 'compensate'), site);
}

/** What undoes a task sees the variables that the task saw. */
function visitCompensation(sites: Sites, compensate: unknown, { path, name, variables }: TaskSite): void {
  const here = `${path}/metadata/compensate`;
  if (Array.isArray(compensate)) visitList(sites, compensate, here, variables);
  else visitTask(sites, { task: compensate, name: `undo ${name}`, path: here, variables });
}

/** `each` and `at` of a loop; the specification's defaults are `item` and `index`. */
export function loopVariables(task: Fields): string[] {
  return [textOr(at(task, 'for', 'each'), 'item'), textOr(at(task, 'for', 'at'), 'index')];
}

export function iteratorVariables(foreach: unknown): string[] {
  return [textOr(at(foreach, 'item'), 'item'), textOr(at(foreach, 'at'), 'index')];
}

export function caughtAs(task: Fields): string {
  return textOr(at(task, 'catch', 'as'), 'error');
}

const textOr = (value: unknown, otherwise: string) => (typeof value === 'string' && value !== '' ? value : otherwise);
