import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Platform, recordsAnswer, registerHealth } from '@spillway/runtime';
import type { FastifyInstance } from 'fastify';
import { Authenticator } from './access/authenticator';
import { Cookies } from './access/cookies';
import { Login } from './access/login';
import { OidcLogin } from './access/oidc';
import { Sessions } from './access/sessions';
import { Users } from './access/users';
import { operationsOpenApi, registerEndpoints } from './api/endpoint';
import { allEndpoints } from './api/endpoints';
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
    const { publicUrl, session, oidc } = platform.config.admin;
    const people = platform.database.outside('people');
    const users = new Users(people);
    const sessions = new Sessions(people, session);
    const authenticator = new Authenticator(platform, sessions);
    const endpoints = allEndpoints(platform, { users, sessions, ingressUrl: this.ingressUrl });
    const doors = {
      users,
      sessions,
      authenticator,
      cookies: new Cookies(publicUrl),
      oidc: oidc && new OidcLogin(oidc, publicUrl!, platform.sealer),
    };
    new Login(doors, platform).register(server);
    registerEndpoints(server, endpoints, authenticator, platform);
    await registerBoard(server, platform, authenticator);
    server.get('/openapi.json', () => operationsOpenApi(endpoints));
    platform.health.add('admin', async () => {
      await Promise.all([recordsAnswer(platform), platform.queues.backend.ping()]);
    });
    registerHealth(server, platform.health, 'admin');
  }
}
