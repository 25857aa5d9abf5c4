/** The errors of the language (dsl-reference.md, "Standard Error Types") and their HTTP status. */
export const STANDARD_ERRORS = {
  configuration: 400,
  validation: 400,
  expression: 400,
  authentication: 401,
  authorization: 403,
  timeout: 408,
  communication: 500,
  runtime: 500,
} as const;
export type StandardError = keyof typeof STANDARD_ERRORS;

const BASE = 'https://serverlessworkflow.io/spec/1.0.0/errors/';

/** The specification's texts and its conformance kit write five families of URIs for the same errors. */
const FAMILIES =
  /^https:\/\/(?:https:\/\/)?serverlessworkflow\.io(?:\.io)?\/(?:spec\/[\w.-]+\/|dsl\/)?errors\/(?:types\/)?([\w-]+)$/;

export function standardErrorUri(name: StandardError): string {
  return BASE + name;
}

/** The last part of a URI of one of those families, standard or not; undefined for other URIs. */
export function errorNameOf(type: string): string | undefined {
  return FAMILIES.exec(type)?.[1];
}

/** The standard error a type means, in whichever family it is written. */
export function standardErrorOf(type: string): StandardError | undefined {
  const name = errorNameOf(type);
  return name !== undefined && Object.hasOwn(STANDARD_ERRORS, name) ? (name as StandardError) : undefined;
}
