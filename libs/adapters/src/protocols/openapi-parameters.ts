import { isRecord, plain } from './content';
import { percentEncode } from './uri-template';

export type ParameterPlace = 'path' | 'query' | 'header' | 'cookie';

/** A parameter as OpenAPI 3 describes it; those of Swagger 2 are told in these words. */
export interface ParameterModel {
  name: string;
  in: ParameterPlace;
  required: boolean;
  style: string;
  explode: boolean;
  allowReserved: boolean;
  /** Serialized as JSON: it is described by `content`. */
  json: boolean;
}

/** Styles of OpenAPI 3.1 §4.8.12.3; the defaults are those of the place. */
export const DEFAULT_STYLE: Record<ParameterPlace, string> = {
  path: 'simple',
  query: 'form',
  header: 'simple',
  cookie: 'form',
};

const DELIMITERS: Record<string, string> = { spaceDelimited: '%20', tabDelimited: '%09', pipeDelimited: '%7C' };

/** A path parameter in its place of the path. */
export function pathValue(parameter: ParameterModel, value: unknown): string {
  const { name, style, explode } = parameter;
  if (parameter.json) return percentEncode(JSON.stringify(value));
  switch (style) {
    case 'label':
      return `.${listed(value, explode ? '.' : ',', explode)}`;
    case 'matrix':
      return matrix(name, value, explode);
    default:
      return listed(value, ',', explode);
  }
}

/** Header values are not percent-encoded (OpenAPI 3.1 §4.8.12.3 leaves them as RFC 9110 has them). */
export function headerValue(parameter: ParameterModel, value: unknown): string {
  if (parameter.json) return JSON.stringify(value);
  return listed(value, ',', parameter.explode, plain);
}

/** `name=value` pairs of a query, encoded. */
export function queryPairs(parameter: ParameterModel, value: unknown): string[] {
  const { style, explode, allowReserved } = parameter;
  const encode = allowReserved ? encodeReserved : percentEncode;
  const name = percentEncode(parameter.name);
  if (parameter.json) return [`${name}=${percentEncode(JSON.stringify(value))}`];
  if (style === 'deepObject' && isRecord(value)) return deepPairs(name, value, encode);
  if (Array.isArray(value)) {
    if (explode) return value.map((one) => `${name}=${encode(plain(one))}`);
    return [`${name}=${value.map((one) => encode(plain(one))).join(DELIMITERS[style] ?? ',')}`];
  }
  if (isRecord(value)) {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined && one !== null);
    if (explode) return entries.map(([key, one]) => `${percentEncode(key)}=${encode(plain(one))}`);
    const flat = entries.flatMap(([key, one]) => [percentEncode(key), encode(plain(one))]);
    return [`${name}=${flat.join(DELIMITERS[style] ?? ',')}`];
  }
  return [`${name}=${encode(plain(value))}`];
}

function deepPairs(name: string, value: Record<string, unknown>, encode: (text: string) => string): string[] {
  return Object.entries(value).flatMap(([key, one]) => {
    const inner = `${name}%5B${percentEncode(key)}%5D`;
    if (isRecord(one)) return deepPairs(inner, one, encode);
    return (Array.isArray(one) ? one : [one])
      .filter((item) => item !== undefined && item !== null)
      .map((item) => `${inner}=${encode(plain(item))}`);
  });
}

function matrix(name: string, value: unknown, explode: boolean): string {
  const key = percentEncode(name);
  if (explode && Array.isArray(value)) return value.map((one) => `;${key}=${percentEncode(plain(one))}`).join('');
  if (explode && isRecord(value)) {
    return Object.entries(value)
      .map(([inner, one]) => `;${percentEncode(inner)}=${percentEncode(plain(one))}`)
      .join('');
  }
  return `;${key}=${listed(value, ',', false)}`;
}

/** Arrays and objects joined; an exploded object as `key=value`. */
function listed(value: unknown, delimiter: string, explode: boolean, encode = encodePlain): string {
  if (Array.isArray(value)) return value.map(encode).join(delimiter);
  if (!isRecord(value)) return encode(value);
  return Object.entries(value)
    .map(([key, one]) => `${encode(key)}${explode ? '=' : ','}${encode(one)}`)
    .join(delimiter);
}

function encodePlain(value: unknown): string {
  return percentEncode(plain(value));
}

/** RFC 6570 §3.2.3: reserved characters stay, except those that would end the value or the query. */
function encodeReserved(text: string): string {
  return percentEncode(text).replace(/%(?:3A|2F|3F|5B|5D|40|21|24|27|28|29|2A|2C|3B)/g, decodeURIComponent);
}
