import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestLog } from '@spillway/observability';
import type { Platform } from '@spillway/runtime';
import type { WorkerRole } from './roles';
import { WorkerService } from './worker-service';

/** A worker role as a Nest module: it starts with the application and drains with it. */
@Module({})
export class WorkerModule {
  static forRole(role: WorkerRole, platform: Platform): DynamicModule {
    return {
      module: WorkerModule,
      providers: [{ provide: WorkerService, useFactory: () => new WorkerService(role, platform) }],
    };
  }
}

/** Starts a worker role; `close()` drains it. */
export async function startWorker(role: WorkerRole, platform: Platform): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(WorkerModule.forRole(role, platform), {
    logger: new NestLog(platform.log),
    abortOnError: false,
  });
}
