import { PermanentError } from '@spillway/contracts';
import { schemasOf } from './endpoints';
import { compileSchema } from './json-schema';
import { at } from './json';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import type { Sites } from './sites';

/** Schemas of inputs, outputs and exports that cannot be compiled. Those elsewhere (`resource`) are not fetched. */
export function lintSchemas(definition: unknown, sites: Sites): Problem[] {
  return schemasOf(definition, sites).flatMap(({ path, value }) => {
    const format = at(value, 'format');
    if (typeof format === 'string' && !/^json(?::.*)?$/.test(format)) {
      const here = pointerTo(path, 'format');
      return [
        errorAt(here, `${placeOf(here)} is "${format}"; Spillway reads JSON schemas only`, 'Write a JSON schema.'),
      ];
    }
    const document = at(value, 'document');
    if (document === undefined) return [];
    try {
      compileSchema(document);
      return [];
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      const here = pointerTo(path, 'document');
      return [errorAt(here, `${placeOf(here)} is no valid JSON schema: ${error.message}`, error.remedy ?? '')];
    }
  });
}
