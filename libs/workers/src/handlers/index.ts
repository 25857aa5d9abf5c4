import { HttpAdapter } from '@spillway/adapters';
import type { QueueName } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { Handler } from '@spillway/worker-kit';
import { FlowHandler } from './flow';
import { LedgerHandler } from './ledger';
import { RoutingHandler } from './routing';
import { IntegrationHandler, NotificationHandler } from './task';

/** What a queue's jobs do, and what must be closed after them. */
export function handlerOf(queue: QueueName, platform: Platform): { handler: Handler; close: () => Promise<void> } {
  const nothing = () => Promise.resolve();
  switch (queue) {
    case 'ingress-events':
      return { handler: new RoutingHandler(platform), close: nothing };
    case 'orchestration-flows':
      return { handler: new FlowHandler(platform), close: nothing };
    case 'integration-tasks':
    case 'notifications': {
      const http = new HttpAdapter();
      const kind = queue === 'notifications' ? NotificationHandler : IntegrationHandler;
      return { handler: new kind(platform, http), close: nothing };
    }
    case 'analytics-events':
      return { handler: new LedgerHandler(platform), close: nothing };
  }
}
