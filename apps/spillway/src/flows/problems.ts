import type { FlowSpec, Resource } from '@spillway/contracts';
import type { Problem } from '@spillway/flows';
import { keysOf } from '../yaml-place';

type Metadata = Extract<Resource, { kind: 'Flow' }>['metadata'];

/**
 * What is wrong with a flow, by JSON pointers into it. The language's linter has the pointers and the warnings, the
 * platform's knows which functions there are and has dotted paths: what both say is taken from the first.
 */
export async function problemsOf(metadata: Metadata, spec: FlowSpec): Promise<Problem[]> {
  const { completeDefinition, lintFlow, pointerTo } = await import('@spillway/flows');
  const { lintResource } = await import('@spillway/runtime');
  const { definition } = completeDefinition(metadata.tenant, metadata.name, spec);
  const problems = lintFlow(definition, { knownFunctions: () => true });
  const told = new Set(problems.map(({ path, message, remedy }) => `${dotted(path)} ${message}. ${remedy}`));
  const others = lintResource({ apiVersion: 'spillway/v1', kind: 'Flow', metadata, spec })
    .filter(({ path, message }) => !told.has(`${path} ${message}`))
    .map(({ path, message }): Problem => {
      const keys = keysOf({ spec: definition }, path).slice(1);
      return { path: pointerTo('', ...keys), message, remedy: '', severity: 'error' };
    });
  return [...problems, ...others];
}

const dotted = (pointer: string) => `spec${pointer.replaceAll('/', '.')}`;

/** What is wrong and what to do, on one line. */
export function sayProblem({ message, remedy }: Pick<Problem, 'message' | 'remedy'>): string {
  if (remedy === '') return message;
  return `${message}${/[.?!]$/.test(message) ? '' : '.'} ${remedy}`;
}
