import type { EventStrategy, FlowDefinition, TaskDefinition } from '@spillway/flows';

/** A task of a run, as far as it matters here. */
interface Active {
  path: string;
  name: string;
  status: string;
  endedAt: unknown;
}

/** What a run waits for, in words, one line for each task that is under way and has no other within it. */
export function waitsOf(definition: FlowDefinition | undefined, tasks: Active[], wakeAt: string | null): string[] {
  const active = tasks.filter(({ endedAt }) => !endedAt);
  const innermost = active.filter(({ path }) => !active.some((other) => other.path.startsWith(`${path}/`)));
  const counts = new Map<string, number>();
  for (const { name, path } of innermost) {
    const line = `${sayTask(definition, path)} (task "${name}")`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  const lines = [...counts].map(([line, count]) => (count === 1 ? line : `${line}, ${count} times`));
  return wakeAt ? [...lines, `no longer than ${wakeAt}: then it goes on by itself`] : lines;
}

function sayTask(definition: FlowDefinition | undefined, path: string): string {
  const task = taskAt(definition, path);
  if (!task) return 'something';
  if ('call' in task) return `the answer of ${task.call}`;
  if ('listen' in task) return `events: ${typesOf(task.listen.to).join(', ')}`;
  if ('wait' in task) return 'time';
  if ('run' in task) return `the end of ${task.run.workflow?.name ?? 'a script'}`;
  return 'what is within it';
}

function typesOf({ one, any, all }: EventStrategy): string[] {
  const filters = all ?? any ?? (one ? [one] : []);
  const types = filters.map((filter) =>
    typeof filter.with['type'] === 'string' ? filter.with['type'] : 'of any type',
  );
  return types.length > 0 ? types : ['of any type'];
}

function taskAt(definition: unknown, pointer: string): TaskDefinition | undefined {
  let value = definition;
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  return value as TaskDefinition | undefined;
}
