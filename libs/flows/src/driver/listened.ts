import type { EventFilter, EventStrategy, FlowDefinition } from '../definition/model';

/**
 * The types of events that a flow's `listen` tasks may wait for, so that only those are kept for listeners to come; `any`
 * when a filter names none, or decides by an expression.
 */
export function listenedTypes(definition: FlowDefinition): Set<string> | 'any' {
  const types = new Set<string>();
  const isOpen = visit(definition, types);
  return isOpen ? 'any' : types;
}

/** @returns whether any type may be meant */
function visit(value: unknown, types: Set<string>): boolean {
  if (Array.isArray(value)) return value.some((item) => visit(item, types));
  if (typeof value !== 'object' || value === null) return false;
  const strategy = (value as { listen?: { to?: EventStrategy } }).listen?.to;
  let isOpen = false;
  if (strategy) {
    for (const filter of filtersOf(strategy)) {
      const type = filter.with?.['type'];
      if (typeof type === 'string' && !type.includes('${') && !type.startsWith('/')) types.add(type);
      else isOpen = true;
    }
  }
  for (const inner of Object.values(value)) if (visit(inner, types)) isOpen = true;
  return isOpen;
}

function filtersOf({ one, any, all, until }: EventStrategy): EventFilter[] {
  const inner = typeof until === 'object' ? filtersOf(until) : [];
  const open = any && any.length === 0 ? [{ with: {} }] : [];
  return [...(one ? [one] : []), ...(any ?? []), ...(all ?? []), ...inner, ...open];
}
