import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { TransientError } from '@spillway/contracts';
import { Acceptor, Intake } from '@spillway/intake';
import type { Platform } from '@spillway/runtime';
import type { FastifyInstance } from 'fastify';
import { Authenticator } from './access/authenticator';
import { Login } from './access/login';
import { Users } from './access/users';
import { deadLetterEndpoints } from './api/dead-letters';
import { operationsOpenApi, registerEndpoints } from './api/endpoint';
import { eventEndpoints } from './api/events';
import { jobEndpoints } from './api/jobs';
import { quotaEndpoints } from './api/quotas';
import { quarantineEndpoints } from './api/quarantine';
import { limitEndpoints } from './api/limits';
import { replayEndpoint } from './api/replay';
import { runEndpoints } from './api/runs';
import { recordEndpoints } from './api/records';
import { resourceEndpoints } from './api/resources';
import { sampleEndpoints } from './api/samples';
import { registerBoard } from './board/board';

const PLATFORM = Symbol('platform');
const INGRESS_URL = Symbol('ingress url');

/** The admin: login, Bull Board, operations API. */
@Module({})
export class OperationsModule implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(INGRESS_URL) private readonly ingressUrl: () => string,
  ) {}

  static forPlatform(platform: Platform, ingressUrl: () => string): DynamicModule {
    return {
      module: OperationsModule,
      providers: [
        { provide: PLATFORM, useValue: platform },
        { provide: INGRESS_URL, useValue: ingressUrl },
      ],
    };
  }

  async onModuleInit(): Promise<void> {
    const { platform } = this;
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    const users = new Users(platform.database.db);
    const authenticator = new Authenticator(platform, users);
    const endpoints = [
      ...eventEndpoints(platform),
      ...jobEndpoints(platform),
      ...deadLetterEndpoints(platform),
      ...runEndpoints(platform),
      ...limitEndpoints(platform),
      replayEndpoint(platform),
      ...quarantineEndpoints(platform, new Intake(platform, new Acceptor(platform))),
      ...resourceEndpoints(platform),
      ...quotaEndpoints(platform),
      ...sampleEndpoints(platform, this.ingressUrl),
      ...recordEndpoints(platform, users),
    ];
    new Login(users, authenticator, platform.log).register(server);
    registerEndpoints(server, endpoints, authenticator);
    await registerBoard(server, platform.queues, authenticator);
    server.get('/openapi.json', () => operationsOpenApi(endpoints));
    server.get('/health/live', () => ({ status: 'ok' }));
    server.get('/health/ready', () => this.ready());
  }

  /** @throws TransientError `not-ready` (503) */
  private async ready() {
    try {
      await Promise.all([this.platform.database.pool.query('select 1'), this.platform.queues.backend.ping()]);
      return { status: 'ok' };
    } catch (cause) {
      throw new TransientError('PostgreSQL or the queues do not answer', {
        code: 'not-ready',
        status: 503,
        retryAfterMs: 2_000,
        cause,
      });
    }
  }
}
