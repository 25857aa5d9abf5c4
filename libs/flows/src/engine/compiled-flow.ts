import { createHash } from 'node:crypto';
import { compileJq, compileTemplate, type Json, type JqProgram, type Template } from '@spillway/jq';
import { compileTransform, FLOW_VARIABLES, sourceOf } from '../definition/expressions';
import { compileSchema, type SchemaCheck } from '../definition/json-schema';
import type {
  ErrorModel,
  FlowDefinition,
  RetryPolicy,
  SchemaModel,
  TaskDefinition,
  TaskList,
  Timeout,
} from '../definition/model';
import { segmentsOf } from '../definition/pointer';
import { Fault, standardError } from './errors';

/** A definition that is run: looked up by pointer, its expressions and schemas compiled once. */
export class CompiledFlow {
  /** Of the definition's JSON: a run stays on the version it began with. */
  readonly hash: string;
  private readonly places = new Map<string, unknown>();
  private readonly compiled = new Map<string, Template | JqProgram>();
  private readonly schemas = new Map<unknown, SchemaCheck>();
  private readonly keys = new WeakMap<object, string>();

  constructor(readonly definition: FlowDefinition) {
    this.hash = hashOf(definition);
  }

  task(path: string): TaskDefinition {
    return this.at(path) as TaskDefinition;
  }

  list(path: string): TaskList {
    return this.at(path) as TaskList;
  }

  /** What stands at a JSON pointer. */
  at(path: string): unknown {
    if (this.places.has(path)) return this.places.get(path);
    let found: unknown = this.definition;
    for (const segment of segmentsOf(path)) found = (found as Record<string, unknown> | undefined)?.[segment];
    this.places.set(path, found);
    return found;
  }

  /** A value that may be given by name. */
  retry(policy: RetryPolicy | string | undefined): RetryPolicy | undefined {
    return typeof policy === 'string' ? named(this.definition.use?.retries, 'retries', policy) : policy;
  }

  timeout(timeout: Timeout | string | undefined): Timeout | undefined {
    return typeof timeout === 'string' ? named(this.definition.use?.timeouts, 'timeouts', timeout) : timeout;
  }

  error(error: ErrorModel | string): ErrorModel {
    return typeof error === 'string' ? named(this.definition.use?.errors, 'errors', error) : error;
  }

  hasFunction(name: string): boolean {
    return Object.hasOwn(this.definition.use?.functions ?? {}, name);
  }

  /** Any JSON whose strings may be expressions. @throws Fault expression */
  template(value: unknown, input: Json, variables: Record<string, Json>): Json {
    if (!mayHoldExpression(value)) return value as Json;
    return evaluate(() => this.compile('template', value, variables, compileTemplate).render(input, variables));
  }

  /** `input.from`, `output.as`, `export.as`: text is an expression in any case. @throws Fault expression */
  transform(value: unknown, input: Json, variables: Record<string, Json>): Json {
    const compile = (what: unknown, { variables: names }: { variables: string[] }) => compileTransform(what, names);
    return evaluate(() => this.compile('transform', value, variables, compile).render(input, variables));
  }

  /** A field that is an expression in any case. @throws Fault expression */
  expression(text: string, input: Json, variables: Record<string, Json>): Json {
    return evaluate(() => this.program(text, variables).first(input, variables) ?? null);
  }

  /** @throws Fault expression */
  condition(text: string, input: Json, variables: Record<string, Json>): boolean {
    return evaluate(() => this.program(text, variables).test(input, variables));
  }

  /** @throws Fault validation, naming what is wrong with the value; configuration, for a schema that is none */
  validate(schema: SchemaModel | undefined, value: Json, what: string): void {
    if (!schema) return;
    const problem = this.checkOf(schema)(value);
    if (problem) throw new Fault(standardError('validation', `${what}: ${problem}`));
  }

  private checkOf({ document, resource }: SchemaModel): SchemaCheck {
    const known = this.schemas.get(document);
    if (known) return known;
    // An advance reads nothing from outside, and passing over a schema would let in what it was written to keep out.
    const elsewhere = resource && document === undefined;
    if (elsewhere) throw new Fault(standardError('configuration', 'a schema must be written out, under "document"'));
    try {
      const check = document === undefined ? () => undefined : compileSchema(document);
      this.schemas.set(document, check);
      return check;
    } catch (error) {
      throw new Fault(standardError('configuration', `the schema is not valid: ${(error as Error).message}`));
    }
  }

  private program(text: string, variables: Record<string, Json>): JqProgram {
    const compile = (what: unknown, options: { variables: string[] }) => compileJq(sourceOf(what as string), options);
    return this.compile('expression', text, variables, compile);
  }

  private compile<Compiled extends Template | JqProgram>(
    kind: string,
    value: unknown,
    variables: Record<string, Json>,
    make: (value: unknown, options: { variables: string[] }) => Compiled,
  ): Compiled {
    const own = Object.keys(variables).filter((name) => !BUILT_IN.has(name));
    const key = `${kind}\0${own.join(',')}\0${this.keyOf(value)}`;
    const known = this.compiled.get(key);
    if (known) return known as Compiled;
    const compiled = make(value, { variables: [...FLOW_VARIABLES, ...own] });
    this.compiled.set(key, compiled);
    return compiled;
  }

  private keyOf(value: unknown): string {
    if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
    let key = this.keys.get(value);
    if (key === undefined) {
      key = JSON.stringify(value);
      this.keys.set(value, key);
    }
    return key;
  }
}

const BUILT_IN: ReadonlySet<string> = new Set(FLOW_VARIABLES);

export function hashOf(definition: unknown): string {
  return createHash('sha256').update(JSON.stringify(definition)).digest('hex');
}

/** @throws Fault configuration, if `use` does not have it */
function named<T>(all: Record<string, T> | undefined, kind: string, name: string): T {
  if (all && Object.hasOwn(all, name)) return all[name]!;
  throw new Fault(standardError('configuration', `there is no "${name}" under use.${kind}`));
}

function evaluate<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(standardError('expression', (error as Error).message));
  }
}

function mayHoldExpression(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('${');
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(mayHoldExpression);
}
