import type { InboundRequest } from '../provider';

/** A request as the edge would hand it over, for specs. */
export function inbound(parts: {
  body?: string | Buffer;
  headers?: InboundRequest['headers'];
  url?: string;
  method?: string;
  receivedAt?: number;
}): InboundRequest {
  return {
    method: parts.method ?? 'POST',
    url: parts.url ?? 'https://hooks.example.com/v1/in/demo/test',
    headers: { 'content-type': 'application/json', ...parts.headers },
    rawBody: Buffer.from(parts.body ?? ''),
    receivedAt: parts.receivedAt ?? 1_795_200_000_000,
  };
}
