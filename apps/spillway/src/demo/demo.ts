import { API_VERSION, type Resource, resourceSchema } from '@spillway/contracts';
import type { Platform, Running } from '@spillway/runtime';
import { providers } from '@spillway/sources';
import { startInbox } from './inbox';

const TENANT = 'demo';
const CALLBACK_SECRET = 'whsec_ZGVtby1jYWxsYmFjay1zZWNyZXQtMDEyMzQ1Njc4OQ==';

/** The demo tenant: a source for every provider, routes, a flow, and an inbox that shows what they did. */
export async function startDemo(platform: Platform): Promise<Running> {
  const inbox = await startInbox(platform.config.demoPort);
  await platform.resources.apply(demoResources(inbox.url));
  await platform.directory.refresh();
  return inbox;
}

export function demoResources(inboxUrl: string): Resource[] {
  const documents = [
    {
      kind: 'Tenant',
      metadata: { name: TENANT },
      spec: { title: 'Demo', secrets: { callback: { value: CALLBACK_SECRET } } },
    },
    ...providers.map((provider) => {
      const keys = provider.demoKeys();
      const secrets = keys.secrets.map((value) => ({ value }));
      const spec = { provider: provider.name, secrets, options: keys.options ?? {} };
      return { kind: 'Source', metadata: { tenant: TENANT, name: provider.name }, spec };
    }),
    {
      kind: 'Route',
      metadata: { tenant: TENANT, name: 'log-all' },
      spec: { match: {}, to: { notify: { channel: 'log', message: 'demo: ${ .type } ${ .subject // "" }' } } },
    },
    {
      kind: 'Route',
      metadata: { tenant: TENANT, name: 'to-inbox' },
      spec: {
        match: { where: '.provider != "stripe"' },
        to: {
          http: {
            url: `${inboxUrl}/messages`,
            body: { title: '${ .type }', about: '${ .subject }', event: '${ .id }' },
          },
        },
      },
    },
    {
      kind: 'Route',
      metadata: { tenant: TENANT, name: 'payments' },
      spec: { match: { types: ['stripe.*'] }, to: { flow: 'payment-received' } },
    },
    {
      kind: 'Flow',
      metadata: { tenant: TENANT, name: 'payment-received' },
      spec: {
        do: [
          {
            book: {
              call: 'http',
              with: {
                method: 'post',
                endpoint: `${inboxUrl}/messages`,
                body: { title: 'Booked ${ .data.data.object.amount // 0 }', about: '${ .subject }', event: '${ .id }' },
              },
            },
          },
          {
            tell: {
              call: 'spillway.notify',
              with: {
                channel: 'callback',
                url: `${inboxUrl}/callbacks`,
                secret: 'callback',
                body: { booked: '${ $workflow.input.subject }' },
              },
            },
          },
        ],
      },
    },
  ];
  return documents.map((document) => resourceSchema.parse({ apiVersion: API_VERSION, ...document }));
}
