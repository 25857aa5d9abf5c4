import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Acceptor, Intake } from '@spillway/intake';
import { eitherStore, type Platform, registerHealth } from '@spillway/runtime';
import type { FastifyInstance } from 'fastify';
import { CallbacksApi } from './callbacks-api';
import { EventsApi } from './events-api';
import { observeRequests } from './observe';
import { openApi } from './openapi';
import { Webhooks } from './webhooks';

const PLATFORM = Symbol('platform');

/** The edge: webhooks, events of tenants' own services, health and the API's description. */
@Module({})
export class IngressModule implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(Webhooks) private readonly webhooks: Webhooks,
    @Inject(EventsApi) private readonly events: EventsApi,
  ) {}

  static forPlatform(platform: Platform): DynamicModule {
    return {
      module: IngressModule,
      providers: [
        { provide: PLATFORM, useValue: platform },
        { provide: Acceptor, useFactory: () => new Acceptor(platform) },
        { provide: Intake, useFactory: (acceptor: Acceptor) => new Intake(platform, acceptor), inject: [Acceptor] },
        { provide: Webhooks, useFactory: (intake: Intake) => new Webhooks(platform, intake), inject: [Intake] },
        {
          provide: EventsApi,
          useFactory: (acceptor: Acceptor) => new EventsApi(platform, acceptor),
          inject: [Acceptor],
        },
      ],
    };
  }

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    observeRequests(server);
    this.webhooks.register(server);
    this.events.register(server);
    new CallbacksApi(this.platform).register(server);
    server.get('/openapi.json', () => openApi());
    this.platform.health.add('ingress-api', eitherStore(this.platform));
    registerHealth(server, this.platform.health, 'ingress-api');
  }
}
