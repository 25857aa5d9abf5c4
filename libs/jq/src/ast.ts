/** What a program is made of. `at` is the offset in the source, for messages. */
export type Node = { at: number } & (
  | { kind: 'identity' }
  | { kind: 'recurse' }
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'string'; format?: string; parts: (string | Node)[] }
  | { kind: 'format'; name: string }
  | { kind: 'index'; target: Node; key: Node; optional?: boolean }
  | { kind: 'slice'; target: Node; from?: Node; to?: Node; optional?: boolean }
  | { kind: 'iterate'; target: Node; optional?: boolean }
  | { kind: 'try'; body: Node; handler?: Node }
  | { kind: 'pipe'; left: Node; right: Node }
  | { kind: 'comma'; left: Node; right: Node }
  | { kind: 'negate'; body: Node }
  | { kind: 'binary'; op: BinaryOp; left: Node; right: Node }
  | { kind: 'and' | 'or'; left: Node; right: Node }
  | { kind: 'alternative'; left: Node; right: Node }
  | { kind: 'assign'; op: string; left: Node; right: Node }
  | { kind: 'if'; condition: Node; then: Node; otherwise?: Node }
  | { kind: 'reduce'; source: Node; pattern: Pattern[]; init: Node; update: Node }
  | { kind: 'foreach'; source: Node; pattern: Pattern[]; init: Node; update: Node; extract?: Node }
  | { kind: 'as'; source: Node; pattern: Pattern[]; body: Node }
  | { kind: 'def'; definition: Definition; body: Node }
  | { kind: 'call'; name: string; args: Node[] }
  | { kind: 'variable'; name: string }
  | { kind: 'array'; body?: Node }
  | { kind: 'object'; entries: { key: Node; value: Node }[] }
  | { kind: 'label'; name: string; body: Node }
  | { kind: 'break'; name: string }
);

export type BinaryOp = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Pattern =
  | { kind: 'variable'; name: string }
  | { kind: 'array'; items: Pattern[] }
  | { kind: 'object'; entries: { key: Node; variable?: string; pattern?: Pattern }[] };

export interface Definition {
  name: string;
  /** `$name` for a parameter that is a value. */
  params: string[];
  body: Node;
}
