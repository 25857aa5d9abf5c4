import { createHash } from 'node:crypto';
import { compileJq, compileTemplate, type Json, type JqProgram, type Template } from '@spillway/jq';
import { compileTransform, FLOW_VARIABLES, sourceOf } from '../definition/expressions';
import { compileSchema, type SchemaCheck } from '../definition/json-schema';
import type { FlowDefinition, RetryPolicy, SchemaModel, TaskDefinition, TaskList, Timeout } from '../definition/model';
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
    return typeof policy === 'string' ? this.definition.use?.retries?.[policy] : policy;
  }

  timeout(timeout: Timeout | string | undefined): Timeout | undefined {
    return typeof timeout === 'string' ? this.definition.use?.timeouts?.[timeout] : timeout;
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

  /** @throws Fault validation, naming what is wrong with the value */
  validate(schema: SchemaModel | undefined, value: Json, what: string): void {
    if (!schema || schema.document === undefined) return;
    let check = this.schemas.get(schema.document);
    if (!check) {
      check = compileSchema(schema.document);
      this.schemas.set(schema.document, check);
    }
    const problem = check(value);
    if (problem) throw new Fault(standardError('validation', `${what}: ${problem}`));
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
    if (typeof value !== 'object' || value === null) return String(value);
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
