import { compileJq, type JqProgram } from '@spillway/jq';
import { refuse } from './failure';

/** "AsyncAPI Inbound Message" of the DSL reference. */
export interface InboundMessage {
  payload: unknown;
}

interface Asked {
  filter?: string;
  consume: { amount?: number; while?: string; until?: string };
  variables?: Record<string, unknown>;
}

const WRAPPED = /^\s*\$\{([\s\S]*)\}\s*$/;

/**
 * What a subscription takes, and when it is over ("AsyncAPI Subscription Lifetime" of the DSL reference). `filter` is
 * asked of each message; `while` before the first and after each that was taken, `until` after each that was taken, both
 * over the list of those. The specification's examples count them as `$context.consumedMessages` and `$context.messages`,
 * so conditions see them there too, where the flow has nothing of that name.
 */
export class Consumption {
  readonly messages: InboundMessage[] = [];
  done = false;
  private readonly filter?: JqProgram;
  private readonly holds?: JqProgram;
  private readonly until?: JqProgram;
  private readonly amount: number;

  /** @throws PermanentError `expression-invalid` */
  constructor({ filter, consume, variables = {} }: Asked) {
    this.variables = variables;
    this.amount = consume.amount ?? Infinity;
    this.filter = this.compiled('filter', filter);
    this.holds = this.compiled('while', consume.while);
    this.until = this.compiled('until', consume.until);
  }

  private readonly variables: Record<string, unknown>;

  /** @returns whether it was meant; one over which the filter fails is not, as with the filters of events */
  take(message: InboundMessage): boolean {
    try {
      if (this.filter && !this.filter.test(message, this.variables)) return false;
    } catch {
      return false;
    }
    this.messages.push(message);
    return true;
  }

  /** @throws PermanentError `expression-failed` */
  isOver(): boolean {
    const { messages, holds, until } = this;
    const isEnough = messages.length >= this.amount;
    const isUntil = messages.length > 0 && until !== undefined && this.decides('until', until);
    this.done = isEnough || isUntil || (holds !== undefined && !this.decides('while', holds));
    return this.done;
  }

  private decides(name: string, condition: JqProgram): boolean {
    const { messages, variables } = this;
    const context = variables['context'];
    const isOpen = typeof context === 'object' && !Array.isArray(context);
    const counted = isOpen ? { consumedMessages: messages, messages, ...context } : context;
    try {
      return condition.test(messages, { ...variables, context: counted });
    } catch (cause) {
      const message = `the condition ${name} of the subscription failed: ${(cause as Error).message}`;
      throw refuse('expression', 'expression-failed', message, undefined, cause);
    }
  }

  private compiled(name: string, expression: string | undefined): JqProgram | undefined {
    if (expression === undefined) return undefined;
    try {
      const variables = Object.keys(this.variables);
      return compileJq(WRAPPED.exec(expression)?.[1] ?? expression, { variables });
    } catch (cause) {
      const message = `the expression ${name} of the subscription is not valid: ${(cause as Error).message}`;
      throw refuse('expression', 'expression-invalid', message, undefined, cause);
    }
  }
}
