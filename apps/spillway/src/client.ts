import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PermanentError, type Problem } from '@spillway/contracts';
import { request } from 'undici';

type Query = Record<string, string | number | undefined>;
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Talks to an installation's operations API. */
export class Client {
  constructor(
    readonly url: string,
    private readonly apiKey: string,
  ) {}

  /**
   * The installation that `SPILLWAY_URL` and `SPILLWAY_API_KEY` name, or the one on this machine.
   *
   * @throws PermanentError `key-missing`
   */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): Client {
    const url = environment['SPILLWAY_URL'] ?? `http://localhost:${environment['ADMIN_PORT'] ?? 3100}`;
    return new Client(url.replace(/\/$/, ''), environment['SPILLWAY_API_KEY'] ?? localKey(environment));
  }

  async get<T>(path: string, query: Query = {}): Promise<T> {
    return JSON.parse(await this.text(path, query)) as T;
  }

  /** An answer as it came. */
  text(path: string, query: Query = {}): Promise<string> {
    return this.call('GET', pathWith(path, query));
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return JSON.parse(await this.call('POST', path, body)) as T;
  }

  async put<T>(path: string, body: unknown): Promise<T> {
    return JSON.parse(await this.call('PUT', path, body)) as T;
  }

  async delete<T>(path: string): Promise<T> {
    return JSON.parse(await this.call('DELETE', path)) as T;
  }

  /** What comes as lines of JSON, as it is. */
  async *lines(path: string, query: Query = {}): AsyncGenerator<string> {
    const response = await this.send('GET', pathWith(path, query));
    if (response.statusCode >= 400) throw failure(response.statusCode, await response.body.text());
    yield* createInterface({ input: response.body, crlfDelay: Infinity });
  }

  /** @throws PermanentError with the detail and remedy of the problem */
  private async call(method: Method, path: string, body?: unknown): Promise<string> {
    const response = await this.send(method, path, body);
    const text = await response.body.text();
    if (response.statusCode < 400) return text;
    throw failure(response.statusCode, text);
  }

  /** @throws PermanentError `unreachable` */
  private async send(method: Method, path: string, body?: unknown) {
    return request(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch((cause: unknown) => {
      throw new PermanentError(`nothing answers at ${this.url}`, {
        code: 'unreachable',
        remedy: 'Start Spillway ("npm start"), or set SPILLWAY_URL.',
        cause,
      });
    });
  }
}

function pathWith(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return search.size > 0 ? `${path}?${search.toString()}` : path;
}

function failure(status: number, text: string): PermanentError {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    // Something between us and the API answered.
  }
  return new PermanentError(problem.detail ?? `the answer was ${status}`, {
    code: problem.code ?? 'request-failed',
    remedy: problem.remedy,
    details: { errors: problem.errors },
  });
}

function localKey(environment: NodeJS.ProcessEnv): string {
  const file = join(resolve(environment['SPILLWAY_DIR'] ?? '.spillway'), 'credentials.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { apiKey: string }).apiKey;
  throw new PermanentError('there is no API key', {
    code: 'key-missing',
    remedy: 'Set SPILLWAY_API_KEY, or run this in the folder where Spillway runs.',
  });
}
