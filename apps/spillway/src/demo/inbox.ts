import type { Running } from '@spillway/runtime';

interface Message {
  at: string;
  path: string;
  text: string;
}

const KEPT = 100;

/** A stand-in for the systems of the demo tenant: it takes what routes send and shows it. */
export async function startInbox(port: number): Promise<Running & { url: string }> {
  const { default: fastify } = await import('fastify');
  const messages: Message[] = [];
  const server = fastify({ bodyLimit: 2 * 1_048_576, forceCloseConnections: true });
  server.post('/*', async (request) => {
    messages.unshift({
      at: new Date().toISOString(),
      path: request.url,
      text: JSON.stringify(request.body).slice(0, 300),
    });
    messages.length = Math.min(messages.length, KEPT);
    return { ok: true };
  });
  server.get('/', (_request, reply) => reply.header('content-type', 'text/html; charset=utf-8').send(page(messages)));
  await server.listen({ port, host: '127.0.0.1' });
  const address = server.server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  return { url: `http://localhost:${actual}`, close: () => server.close() };
}

function page(messages: Message[]): string {
  const rows = messages.map(
    ({ at, path, text }) => `<tr><td>${at}<td>${escapeHtml(path)}<td><code>${escapeHtml(text)}</code>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Demo inbox</title>
<style>body{font:14px system-ui;margin:2rem}td{padding:.25rem 1rem .25rem 0;vertical-align:top}</style>
<h1>What the demo tenant's routes sent</h1><table>${rows.join('') || '<tr><td>Nothing yet.'}</table></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
