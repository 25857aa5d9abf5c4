import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestLog } from '@spillway/observability';
import { type Platform, problemAdapter, takeRawBodies } from '@spillway/runtime';
import { IngressModule } from './ingress.module';

export interface IngressServer {
  /** Where it listens, without a path. */
  url: string;
  /** All that it answers: `POST /v1/events`. */
  routes: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the edge and listens.
 *
 * @throws an error of Node's when the port is taken
 */
export async function startIngress(platform: Platform): Promise<IngressServer> {
  const { ingress } = platform.config;
  const options = {
    bodyLimit: ingress.maxBodyBytes,
    // A sender that opens a connection and says nothing must not hold it.
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 200 },
    // Keeps what is under way and refuses the rest with 503 while it drains.
    return503OnClosing: true,
  };
  const hint = 'Webhooks go to POST /v1/in/{tenant}/{source}; /openapi.json lists the rest.';
  const adapter = problemAdapter(options, platform.log, hint);
  const app = await NestFactory.create<NestFastifyApplication>(IngressModule.forPlatform(platform), adapter, {
    logger: new NestLog(platform.log),
    bodyParser: false,
    abortOnError: false,
  });
  const server = adapter.getInstance();
  takeRawBodies(server);
  const routes: string[] = [];
  server.addHook('onRoute', ({ method, url }) => void routes.push(...[method].flat().map((one) => `${one} ${url}`)));
  await app.listen(ingress.port, ingress.host);
  const address = server.server.address();
  const port = typeof address === 'object' && address ? address.port : ingress.port;
  return { url: `http://${hostOf(ingress.host)}:${port}`, routes, close: () => app.close() };
}

function hostOf(host: string): string {
  return host === '0.0.0.0' || host === '127.0.0.1' ? 'localhost' : host;
}
