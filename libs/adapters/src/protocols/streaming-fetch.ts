import { fetch as undiciFetch, type Response as UndiciResponse } from 'undici';
import { type Authenticator } from '../authentication/authenticator';
import { classifyResponse } from '../http/classify';
import { outgoing } from '../outgoing';
import { DEFAULT_RESPONSE_BYTES, type ProtocolContext } from './context';
import { defaultDispatcher } from './exchange';
import { describeAnswer, EXCERPT_CHARACTERS, refuse, withDetails } from './failure';
import { redactor } from './redact';

export interface StreamingFetchOptions {
  authenticator?: Authenticator;
  /** Told when an answer grows beyond the limit: a client that reads streams may swallow the error. */
  onFailure: (error: Error) => void;
}

/**
 * `fetch` for client libraries that bring their own protocol: the context's connections, credentials with one more
 * try after a 401, answers limited in size, and a refused POST thrown as a classified error.
 */
export function streamingFetch(context: ProtocolContext, { authenticator, onFailure }: StreamingFetchOptions) {
  const mostBytes = context.limits?.responseBytes ?? DEFAULT_RESPONSE_BYTES;
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    const method = init.method ?? 'GET';
    const body = typeof init.body === 'string' ? init.body : undefined;
    const sent: string[] = [];
    const attempt = async () => {
      const headers = new Headers(init.headers);
      const credentials = await authenticator?.authorize({
        method,
        url,
        body: body === undefined ? body : Buffer.from(body),
      });
      for (const [name, value] of Object.entries(credentials ?? {})) {
        headers.set(name, value);
        sent.push(value, value.replace(/^\S+ /, ''));
      }
      const ask = (trace: Record<string, string>) =>
        undiciFetch(url, {
          method,
          body,
          headers: { ...Object.fromEntries(headers), ...trace },
          redirect: init.redirect,
          signal: init.signal ?? undefined,
          dispatcher: context.dispatcher ?? defaultDispatcher(),
        });
      return outgoing({ method, url }, ask, ({ status }) => status);
    };
    let response = await attempt();
    if (
      response.status === 401 &&
      authenticator &&
      (await authenticator.challenged(Object.fromEntries(response.headers)))
    ) {
      await response.body?.cancel();
      response = await attempt();
    }
    if (response.status >= 400 && method === 'POST')
      throw await refused(response, method, url, [context.secrets, sent]);
    return limited(response, mostBytes, url, onFailure);
  };
}

async function refused(response: UndiciResponse, method: string, url: URL, secrets: unknown[]) {
  const text = new TextDecoder().decode(await firstBytes(response));
  const excerpt = redactor(...secrets)(text.slice(0, EXCERPT_CHARACTERS));
  const headers = Object.fromEntries(response.headers);
  const error = classifyResponse(response.status, headers, `${method} ${url.origin}`, excerpt)!;
  return withDetails(error, describeAnswer(response.status, headers['content-type'], excerpt));
}

async function firstBytes(response: UndiciResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes > EXCERPT_CHARACTERS * 4) break;
  }
  return Buffer.concat(chunks);
}

function limited(response: UndiciResponse, mostBytes: number, url: URL, onFailure: (error: Error) => void): Response {
  const init = { status: response.status, statusText: response.statusText, headers: [...response.headers] };
  if (!response.body) return new Response(null, init);
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes <= mostBytes) return controller.enqueue(chunk);
      const message = `${url.origin} answered with more than ${mostBytes} bytes`;
      const error = refuse('communication', 'response-too-large', message, 'Ask for less, for instance a page.');
      onFailure(error);
      controller.error(error);
    },
  });
  const body = (response.body as ReadableStream<Uint8Array>).pipeThrough(counter);
  return new Response(body, init);
}
