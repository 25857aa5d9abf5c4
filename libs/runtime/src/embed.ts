import { checkDescribedCall, externalUnreadable, readExternal, textsOverHttp } from '@spillway/adapters';
import { type FlowSpec, sentenceOf } from '@spillway/contracts';
import { completeDefinition, embedExternals } from '@spillway/flows';
import type { LintProblem } from './lint';
import { specPath } from './lint';
import type { Platform } from './platform';

/** Of one text. */
const MOST_BYTES = 4 * 1_048_576;

export interface Embedding {
  tenant: string;
  name: string;
  spec: FlowSpec;
  /** What an operator allows the tenant beyond everybody. */
  egressAllow: readonly string[];
  signal: AbortSignal;
}

/**
 * A flow with what it refers to on the web brought into it, so that no run depends on a web server that changes what it
 * says. Read under the tenant's egress rules. Files are with whoever wrote the flow, and are left to the linter.
 *
 * @returns the spec, the same where nothing was to be brought in
 */
export async function embedded(
  { egress }: Pick<Platform, 'egress'>,
  { tenant, name, spec, egressAllow, signal }: Embedding,
): Promise<{ spec: FlowSpec; problems: LintProblem[] }> {
  // Most flows refer to nothing.
  if (!/https?:/.test(JSON.stringify(spec))) return { spec, problems: [] };
  const { dispatcher } = egress.gate(egressAllow);
  const overHttp = textsOverHttp({ tenant, dispatcher, signal, limits: { documentBytes: MOST_BYTES } });
  const files = new Set<string>();
  const readText = async (uri: string) => {
    if (/^https?:/.test(uri)) return overHttp(uri);
    files.add(uri);
    throw externalUnreadable(uri, 'the API reads no files');
  };
  const { definition: given } = completeDefinition(tenant, name, spec);
  const { definition, problems } = await embedExternals(
    given,
    (uri, kind) => readExternal(uri, kind, readText),
    checkDescribedCall,
  );
  const { description } = spec;
  const isSame = JSON.stringify(definition) === JSON.stringify(given);
  const whole = { ...definition, ...(description !== undefined && { description }) } as FlowSpec;
  const ofFiles = ({ message }: { message: string }) => [...files].some((file) => message.includes(file));
  return {
    spec: isSame ? spec : whole,
    problems: problems
      .filter((problem) => !ofFiles(problem))
      .map(({ path, message, remedy }) => ({ path: specPath(path), message: sentenceOf({ message, remedy }) })),
  };
}
