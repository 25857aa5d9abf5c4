import type { RequestClient } from 'twilio';

type Request = Parameters<RequestClient['request']>[0];

/** Twilio's client over our `fetch`: its own HTTP (axios) cannot be aborted from outside. */
export async function twilioClient(
  { username, password, accountSid }: { username: string; password: string; accountSid: string },
  fetch: typeof globalThis.fetch,
) {
  // Loaded when it is used: 32 MB that most processes do without.
  const { default: twilio } = await import('twilio');
  return twilio(username, password, {
    accountSid,
    httpClient: { request: (request: Request) => ask(request, fetch) } as RequestClient,
    // The queue tries again.
    autoRetry: false,
    // Else it takes region, edge and account from the environment of the process.
    env: {},
  });
}

async function ask(request: Request, fetch: typeof globalThis.fetch) {
  const { method, uri, username, password, headers = {}, params, data } = request;
  const url = new URL(uri);
  for (const [name, value] of entriesOf(params)) url.searchParams.append(name, value);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const response = await fetch(url, {
    method: method.toUpperCase(),
    headers: { ...(headers as Record<string, string>), authorization },
    body: data === undefined ? undefined : new URLSearchParams(entriesOf(data)).toString(),
  });
  return {
    statusCode: response.status,
    body: await response.text(),
    headers: Object.fromEntries(response.headers),
  };
}

/** Repeats the name for each value of a list, as Twilio wants it. */
function entriesOf(values: unknown): [string, string][] {
  return Object.entries((values ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined && value !== null)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
    );
}
