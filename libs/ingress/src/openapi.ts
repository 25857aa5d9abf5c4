import {
  acceptedSchema,
  eventInputSchema,
  eventsInputSchema,
  openApiDocument,
  type OpenApiOperation,
  problemSchema,
} from '@spillway/contracts';
import { z } from 'zod';

const acceptedAnswer = z.union([acceptedSchema, z.object({ events: z.array(acceptedSchema) })]);

const receive: OpenApiOperation = {
  summary: 'A webhook of a provider',
  description:
    'Verified, normalized, deduplicated and stored before the answer. The answer is the one the provider wants where it ' +
    'wants one (TwiML, `[accepted]`, a challenge), else `{ id, duplicate }`.',
  parameters: [pathParameter('tenant'), pathParameter('source')],
  body: { description: "The provider's own body, as it was signed.", content: { '*/*': {} } },
  responses: {
    202: { description: 'Durable.', schema: acceptedAnswer },
    400: { description: 'Not what the provider sends; kept in quarantine.', schema: problemSchema },
    401: { description: 'The signature does not hold; kept in quarantine.', schema: problemSchema },
    ...common(),
  },
};

const publish: OpenApiOperation = {
  summary: 'One event, or up to 1,000, of your own service',
  parameters: [
    {
      name: 'idempotency-key',
      in: 'header',
      required: false,
      description: 'The same key within 24 h is the same event.',
      schema: { type: 'string', maxLength: 255 },
    },
  ],
  security: ['apiKey'],
  body: { schema: z.union([eventInputSchema, eventsInputSchema]) },
  responses: {
    202: { description: 'Durable.', schema: acceptedAnswer },
    400: { description: 'The body is wrong; `errors` names the fields.', schema: problemSchema },
    401: { description: 'No API key, or not a valid one.', schema: problemSchema },
    403: { description: 'The key may not do this.', schema: problemSchema },
    ...common(),
  },
};

/** The edge's description, OpenAPI 3.1, from the same zod schemas that check requests. */
export function openApi(): Record<string, unknown> {
  return openApiDocument({
    title: 'Spillway ingress',
    description: 'Takes webhooks and events in. A 202 means the event is durable.',
    paths: {
      '/v1/in/{tenant}/{source}': {
        post: receive,
        options: {
          summary: 'The CloudEvents handshake, where the provider has one',
          parameters: [pathParameter('tenant'), pathParameter('source')],
          responses: { 200: { description: 'Allowed.' }, 204: { description: 'Nothing to shake hands about.' } },
        },
      },
      '/v1/events': { post: publish },
      '/health/live': { get: { summary: 'The process runs', responses: { 200: { description: 'It does.' } } } },
      '/health/ready': {
        get: {
          summary: 'Events can be made durable',
          responses: {
            200: { description: 'Yes; `degraded` when only one of the queues and PostgreSQL answers.' },
            503: { description: 'No.', schema: problemSchema },
          },
        },
      },
    },
  });
}

function common(): OpenApiOperation['responses'] {
  return {
    404: { description: 'No such source.', schema: problemSchema },
    413: { description: 'Larger than MAX_BODY (1 MB).', schema: problemSchema },
    415: { description: 'A content type the provider does not send.', schema: problemSchema },
    429: { description: 'Too many requests at once; see `Retry-After`.', schema: problemSchema },
    503: { description: 'Nothing could store the event; see `Retry-After`.', schema: problemSchema },
  };
}

function pathParameter(name: string) {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}
