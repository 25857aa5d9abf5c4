import 'reflect-metadata';
import cookie from '@fastify/cookie';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestLog } from '@spillway/observability';
import { type Platform, problemAdapter } from '@spillway/runtime';
import { type Access, ensureFirstAccess } from './access/first-access';
import { OperationsModule } from './operations.module';

export interface OperationsServer {
  /** Where it listens, without a path. */
  url: string;
  /** How the first user gets in, as far as it is known here. */
  access: Partial<Access>;
  close(): Promise<void>;
}

export interface OperationsOptions {
  /** What samples are addressed to. */
  ingressUrl?: () => string;
}

/** Opens the admin: Bull Board, the operations API and the login. */
export async function startOperations(platform: Platform, options: OperationsOptions = {}): Promise<OperationsServer> {
  const { host, port, trustProxy } = platform.config.admin;
  const { ingress } = platform.config;
  const ingressUrl = options.ingressUrl ?? (() => ingress.publicUrl ?? `http://localhost:${ingress.port}`);
  const access = await ensureFirstAccess(platform);
  const hint = 'The board is at /queues, the operations API under /api/v1: see /openapi.json.';
  const adapter = problemAdapter(
    { bodyLimit: 10 * 1_048_576, return503OnClosing: true, trustProxy },
    platform.log,
    hint,
  );
  const server = adapter.getInstance();
  await server.register(cookie as never);
  const app = await NestFactory.create<NestFastifyApplication>(
    OperationsModule.forPlatform(platform, ingressUrl),
    adapter,
    {
      logger: new NestLog(platform.log),
      abortOnError: false,
    },
  );
  await app.listen(port, host);
  const address = server.server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  const shown = host === '0.0.0.0' || host === '127.0.0.1' ? 'localhost' : host;
  return { url: `http://${shown}:${actual}`, access, close: () => app.close() };
}
