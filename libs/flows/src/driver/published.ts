import type { FlowDefinition } from '../definition/model';
import { hashOf } from '../engine/compiled-flow';

/** A flow as runs begin it. */
export interface PublishedFlow {
  name: string;
  hash: string;
  version: string;
  definition: FlowDefinition;
}

const DSL = '1.0.3';

/**
 * The definition that a Flow document stands for: `document` may be left out, since the tenant and the name are in the
 * metadata.
 */
export function completeDefinition(tenant: string, name: string, spec: Record<string, unknown>): PublishedFlow {
  const { description, ...rest } = spec;
  const document = {
    dsl: DSL,
    namespace: tenant,
    name,
    version: '0.0.1',
    ...(description !== undefined && { summary: description }),
    ...(rest['document'] as object | undefined),
  };
  const definition = { ...rest, document } as unknown as FlowDefinition;
  return { name, hash: hashOf(definition), version: document.version, definition };
}
