import { PermanentError } from '@spillway/contracts';
import { Ajv, type ErrorObject, type Options } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019';
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { isFields, shown, typeOf } from './json';

/** What a value lacks to match a schema, on one line; undefined if it matches. */
export type SchemaCheck = (value: unknown) => string | undefined;

const DIALECTS = [
  { uri: /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, dialect: Ajv2020 },
  { uri: /^https?:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/, dialect: Ajv2019 },
  { uri: /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/, dialect: Ajv },
];
const OPTIONS: Options = { strict: false, logger: false };

/** One of each dialect checks schemas themselves. It never takes one in. */
const META = new Map(DIALECTS.map(({ dialect }) => [dialect, new dialect(OPTIONS)]));

/**
 * Compiles the JSON schema of an input, an output or an export: 2020-12 unless `$schema` says 2019-09 or draft-07. A
 * schema refers to nothing but itself: each has a validator of its own, so that no `$id` reaches into another flow.
 *
 * @throws PermanentError `schema-invalid`
 */
export function compileSchema(document: unknown): SchemaCheck {
  if (typeof document !== 'boolean' && !isFields(document)) throw invalid(`it is ${typeOf(document)}, not an object`);
  const uri = isFields(document) ? document['$schema'] : undefined;
  const dialect =
    uri === undefined ? Ajv2020 : DIALECTS.find((one) => typeof uri === 'string' && one.uri.test(uri))?.dialect;
  if (!dialect) throw invalid(`its dialect ${shown(uri)} is not known`);
  const meta = META.get(dialect)!;
  try {
    if (!meta.validateSchema(document)) throw invalid(describe(meta.errors, 'schema'));
    const own = new dialect({ ...OPTIONS, meta: false, validateSchema: false });
    addFormats(own);
    const validate = own.compile(document);
    return (value) => (validate(value) ? undefined : describe(validate.errors, 'value'));
  } catch (error) {
    throw error instanceof PermanentError ? error : invalid((error as Error).message);
  }
}

function describe(errors: ErrorObject[] | null | undefined, what: string): string {
  const [first] = errors ?? [];
  if (!first) return `the ${what} does not match`;
  const { instancePath, message = 'does not match', params, keyword } = first;
  const name = keyword === 'additionalProperties' ? ` ("${String(params['additionalProperty'])}")` : '';
  return `${instancePath === '' ? `the ${what}` : instancePath} ${message}${name}`;
}

const invalid = (problem: string) =>
  new PermanentError(problem, {
    code: 'schema-invalid',
    remedy: 'Mend the JSON schema (2020-12, 2019-09 or draft-07).',
  });
