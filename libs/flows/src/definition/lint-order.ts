import { at, fieldsOf, itemsOf } from './json';
import { didYouMean } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem, warningAt } from './problem';
import type { ListSite, Sites, TaskSite } from './sites';

const DIRECTIVES = ['continue', 'exit', 'end'];

/** Where tasks go on to: names that are there twice, targets that are not, tasks that nothing leads to. */
export function lintOrder({ tasks, lists }: Sites): Problem[] {
  return [
    ...lists.flatMap(lintNames),
    ...tasks.flatMap((task) => [...lintTargets(task, lists), ...lintCases(task)]),
    ...lists.flatMap(lintReach),
  ];
}

function lintNames({ tasks, path }: ListSite): Problem[] {
  const seen = new Set<string>();
  return tasks.flatMap((task) => {
    if (task.name.trim() === '') {
      return [errorAt(task.path, `a task in ${path} has no name`, 'Write a name before the colon.')];
    }
    if (seen.size === seen.add(task.name).size) {
      const message = `there are two tasks "${task.name}" in ${path}`;
      return [errorAt(task.path, message, 'Give one of them another name.')];
    }
    if (!DIRECTIVES.includes(task.name)) return [];
    const message = `no task can go on to task "${task.name}": the word is a directive`;
    return [warningAt(task.path, message, 'Give it another name.')];
  });
}

interface Jump {
  path: string;
  then: unknown;
}

function jumpsOf({ path, task }: TaskSite): Jump[] {
  const cases = itemsOf(task['switch']).flatMap((item, index) =>
    Object.entries(fieldsOf(item)).map(([name, one]) => ({
      path: pointerTo(path, 'switch', index, name, 'then'),
      then: at(one, 'then'),
    })),
  );
  const own = { path: pointerTo(path, 'then'), then: task['then'] };
  const caught = { path: pointerTo(path, 'catch', 'then'), then: at(task, 'catch', 'then') };
  return [...cases, own, caught];
}

function lintTargets(site: TaskSite, lists: ListSite[]): Problem[] {
  const names = site.list?.parallel ? [] : (site.list?.tasks.map(({ name }) => name) ?? []);
  return jumpsOf(site).flatMap(({ path, then }) => {
    if (typeof then !== 'string' || DIRECTIVES.includes(then) || names.includes(then)) return [];
    const targets = `${names.length > 0 ? `a task of the same list (${names.slice(0, 12).join(', ')}), ` : ''}continue, exit or end`;
    if (site.list?.parallel && site.list.tasks.some(({ name }) => name === then)) {
      const message = `${placeOf(path)} names "${then}", another branch; branches run side by side`;
      return [errorAt(path, message, 'Put what follows into the same branch, in a do.')];
    }
    const elsewhere = lists.find(({ tasks }) => tasks.some(({ name }) => name === then));
    const where = elsewhere ? `; that one is in ${elsewhere.path}` : didYouMean(then, [...names, ...DIRECTIVES]);
    const message = `${placeOf(path)} names "${then}", which is no task of the same list${where}`;
    return [errorAt(path, message, `Name ${targets}.`)];
  });
}

/** A case without `when` is the default, so there can be one. */
function lintCases({ path, task }: TaskSite): Problem[] {
  const names = new Set<string>();
  let fallback: string | undefined;
  return itemsOf(task['switch']).flatMap((item, index) =>
    Object.entries(fieldsOf(item)).flatMap(([name, one]) => {
      const here = pointerTo(path, 'switch', index, name);
      if (names.has(name)) {
        return [errorAt(here, `${placeOf(path)} has two cases "${name}"`, 'Give one of them another name.')];
      }
      names.add(name);
      if (at(one, 'when') !== undefined) return [];
      if (fallback === undefined) {
        fallback = name;
        return [];
      }
      const message = `${placeOf(path)} has two cases without "when", "${fallback}" and "${name}"; one can be the default`;
      return [errorAt(here, message, `Give "${name}" a "when".`)];
    }),
  );
}

function lintReach({ tasks, parallel }: ListSite): Problem[] {
  if (parallel || tasks.length === 0) return [];
  const reached = new Set<number>();
  const open = [0];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (index >= tasks.length || reached.has(index)) continue;
    reached.add(index);
    open.push(...successorsOf(tasks, index));
  }
  return tasks
    .filter((_, index) => !reached.has(index))
    .map(({ path, name }) =>
      warningAt(path, `task "${name}" is never reached`, 'Let a task go on to it, or take it out.'),
    );
}

/** Indexes of the tasks that may come next. In doubt there is one more, so that no false alarm is raised. */
function successorsOf(tasks: TaskSite[], index: number): number[] {
  const { task, kind } = tasks[index]!;
  const next = index + 1;
  const target = (then: unknown): number[] => {
    if (then === 'exit' || then === 'end') return [];
    const named = tasks.findIndex(({ name }) => name === then);
    return [then === undefined || then === 'continue' || named < 0 ? next : named];
  };
  const skipped = task['if'] === undefined ? [] : [next];
  if (kind === 'raise') return skipped;
  const caught = at(task, 'catch', 'then');
  const own = [...(caught === undefined ? [] : target(caught)), ...target(task['then'])];
  if (kind !== 'switch') return [...skipped, ...own];
  const cases = itemsOf(task['switch']).flatMap((item) => Object.values(fieldsOf(item)));
  const hasDefault = cases.some((one) => at(one, 'when') === undefined);
  return [...skipped, ...cases.flatMap((one) => target(at(one, 'then'))), ...(hasDefault ? [] : own)];
}
