import { readFileSync } from 'node:fs';
import { messageOf, PermanentError } from '@spillway/contracts';

/**
 * Variables that may also come as a file, whose path `<NAME>_FILE` gives: how Docker and Kubernetes hand out secrets
 * without putting them into every environment, where `docker inspect`, crash reports and child processes show them.
 */
export const SECRET_VARIABLES = [
  'DATABASE_URL',
  'REDIS_URL',
  'SPILLWAY_KEY',
  'SPILLWAY_OTHER_KEYS',
  'ADMIN_PASSWORD',
  'ADMIN_API_KEY',
  'OIDC_CLIENT_SECRET',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const;

/**
 * The environment with the contents of the files that its `*_FILE` variables name. A variable that is set itself wins:
 * a process forked for one job gets the values themselves beside its parent's environment.
 *
 * @throws PermanentError `config-invalid` when a file cannot be read or is empty
 */
export function withSecretFiles(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  const filled = { ...environment };
  for (const name of SECRET_VARIABLES) {
    const path = environment[`${name}_FILE`];
    if (!path || environment[name]) continue;
    filled[name] = contentOf(`${name}_FILE`, path);
  }
  return filled;
}

function contentOf(variable: string, path: string): string {
  const invalid = (why: string, cause?: unknown) =>
    new PermanentError(`configuration: ${variable} names ${path}, ${why}`, {
      code: 'config-invalid',
      remedy: 'Mount the secret there, readable by the user this process runs as.',
      cause,
    });
  let content: string;
  try {
    content = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw invalid(`which cannot be read (${messageOf(cause)})`, cause);
  }
  // An empty file is a secret that was not filled in, not one that was left out.
  if (content === '') throw invalid('which is empty');
  return content;
}
