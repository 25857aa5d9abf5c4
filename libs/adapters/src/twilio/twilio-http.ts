import { RequestClient } from 'twilio';

type Request = Parameters<RequestClient['request']>[0];

/** Twilio's client over our `fetch`: its own (axios) cannot be aborted from outside. */
export class TwilioHttp extends RequestClient {
  constructor(private readonly fetch: typeof globalThis.fetch) {
    super();
  }

  override async request<TData>(request: Request) {
    const { method, uri, username, password, headers = {}, params, data } = request;
    const url = new URL(uri);
    for (const [name, value] of entriesOf(params)) url.searchParams.append(name, value);
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const body = data === undefined ? undefined : new URLSearchParams(entriesOf(data)).toString();
    const response = await this.fetch(url, {
      method: method.toUpperCase(),
      headers: { ...(headers as Record<string, string>), authorization },
      body,
    });
    return {
      statusCode: response.status,
      body: (await response.text()) as TData,
      headers: Object.fromEntries(response.headers),
    };
  }
}

/** Repeats the name for each value of a list, as Twilio wants it. */
function entriesOf(values: unknown): [string, string][] {
  return Object.entries((values ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined && value !== null)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
    );
}
