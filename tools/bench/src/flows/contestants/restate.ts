import { createEndpointHandler, type Context, service } from '@restatedev/restate-sdk';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';

/** The flow of three steps as a Restate service: each step is a durable `ctx.run` that waits for the sink's answer. */
const sink = process.env['SINK']!;
const agent = new Agent({ connections: 64 });

async function step(ctx: Context, id: string, n: number): Promise<unknown> {
  return ctx.run(`step ${n}`, async () => {
    const response = await request(`${sink}/step`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `${id}.${n}` },
      body: JSON.stringify({ id, step: n }),
      dispatcher: agent,
    });
    if (response.statusCode >= 300) throw new Error(`the sink answered ${response.statusCode}`);
    return response.body.json();
  });
}

const flow = service({
  name: 'flow',
  handlers: {
    three: async (ctx: Context, { id }: { id: string }) => {
      await step(ctx, id, 1);
      await step(ctx, id, 2);
      return step(ctx, id, 3);
    },
  },
});

const server = createServer(createEndpointHandler({ services: [flow] }));
server.listen(0, '127.0.0.1', () => {
  process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
