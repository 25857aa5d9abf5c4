import { resolve, type SchemaNode } from './schema';

/** What the schema asks for, in words that follow "must be". Keys are names in `$defs`, titles, and formats. */
const WORDS: Record<string, string> = {
  runtimeExpression: 'an expression in ${ }',
  uriTemplate: 'a URL such as https://example.com/{id}',
  taskList: 'a list of named tasks',
  task: 'a task',
  duration: 'a duration',
  DurationInline: 'parts such as { minutes: 5 }',
  DurationLiteral: 'a duration such as PT30S',
  EndpointConfiguration: 'an object with "uri"',
  WorkflowDSL: 'a version such as 1.0.3',
  WorkflowVersion: 'a version such as 1.0.0',
  WorkflowName: 'up to 63 letters, digits and dashes',
  WorkflowNamespace: 'up to 63 letters, digits and dashes',
  WithGRPCServiceHost: 'the name of a host',
  TaskItem: 'a task with a name',
  'date-time': 'a time such as 2026-01-31T12:00:00Z',
  'json-pointer': 'a JSON pointer such as /do/0/charge',
  uri: 'a URL',
  'uri-template': 'a URL such as https://example.com/{id}',
  object: 'an object',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

export function wordsFor(node: SchemaNode): string {
  const names = [node.title, node.$ref?.replace('#/$defs/', ''), node.format];
  const name = names.find((one) => one !== undefined && Object.hasOwn(WORDS, one));
  if (name) return WORDS[name]!;
  const whole = resolve(node);
  if (whole) return wordsFor(whole);
  if (node.minLength) return 'text that is not empty';
  const branches = node.oneOf ?? node.anyOf;
  if (branches && !node.type) return wordsForAny(branches);
  return WORDS[node.type ?? 'object']!;
}

export function wordsForAny(nodes: SchemaNode[]): string {
  return listed([...new Set(nodes.map(wordsFor))]);
}

/** `a`, `a or b`, `a, b or c`. */
export function listed(words: string[], conjunction = 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
}
