import { PermanentError, RateLimitedError, type SpillwayError, TransientError } from '@spillway/contracts';
import type { Block, KnownBlock, Logger, LogLevel, WebClient } from '@slack/web-api';
import { z } from 'zod';
import { type Adapter, type AdapterContext, type AdapterLog, baseUrl, secretName, secretOf } from '../adapter';
import { type ArgumentsOf, type ResultOf, serves } from '../capabilities';
import { type Answer, type Dialect, Transport } from '../transport';

const options = z.strictObject({ token: secretName('SLACK_BOT_TOKEN'), baseUrl });
type Options = z.infer<typeof options>;

export const slack: Adapter<Options> = {
  name: 'slack',
  title: 'Slack',
  options,
  // https://docs.slack.dev/apis/web-api/rate-limits: one message a second and channel, short bursts allowed.
  limits: [
    {
      name: 'channel',
      perSecond: 1,
      burst: 3,
      capabilities: ['chat.post'],
      per: ({ channel }) => String(channel),
    },
  ],
  capabilities: {
    'chat.post': serves('chat.post', {
      idempotent: { by: 'lookup', of: 'a message with the key in its metadata (needs the scope channels:history)' },
      call: post,
    }),
  },
};

/** https://docs.slack.dev/messaging/message-metadata */
const EVENT_TYPE = 'spillway_task';

async function post(
  { channel, text, blocks }: ArgumentsOf<'chat.post'>,
  context: AdapterContext<Options>,
): Promise<ResultOf<'chat.post'>> {
  const { client, transport } = await connect(context);
  const before = await earlier(channel, context, client, transport);
  if (before) return { id: before, channel };
  const posted = await transport.run(() =>
    client.chat.postMessage({
      channel,
      text,
      blocks: blocks as (Block | KnownBlock)[] | undefined,
      metadata: { event_type: EVENT_TYPE, event_payload: { key: context.idempotencyKey } },
    }),
  );
  return { id: posted.ts ?? '', channel: posted.channel ?? channel };
}

/** The clocks of two systems differ a little. */
const CLOCK_SKEW_MS = 5_000;

/**
 * Slack documents no idempotency key, so the key travels in the message and an earlier attempt is looked for by it.
 * Without the right to read the channel we cannot know; then a second message is better than none.
 */
async function earlier(
  channel: string,
  { unsureSince, idempotencyKey, log }: AdapterContext<Options>,
  client: WebClient,
  transport: Transport,
): Promise<string | undefined> {
  if (!unsureSince) return undefined;
  const oldest = String((unsureSince.getTime() - CLOCK_SKEW_MS) / 1_000);
  try {
    const { messages = [] } = await transport.run(() =>
      client.conversations.history({ channel, oldest, inclusive: true, limit: 200, include_all_metadata: true }),
    );
    return messages.find(
      ({ metadata }) =>
        metadata?.event_type === EVENT_TYPE &&
        Object.entries(metadata.event_payload ?? {}).some(
          ([name, value]) => name === 'key' && value === idempotencyKey,
        ),
    )?.ts;
  } catch (cause) {
    if (!(cause instanceof PermanentError)) throw cause;
    log.warn({ channel, code: cause.code }, 'could not look for an earlier attempt; posting, perhaps again');
    return undefined;
  }
}

async function connect(context: AdapterContext<Options>) {
  const transport = new Transport(context, dialect);
  const token = secretOf(context, context.options.token);
  // Loaded when it is used: most processes do without.
  const { WebClient: Client } = await import('@slack/web-api');
  const client = new Client(token, {
    fetch: transport.fetch,
    // The queue tries again.
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: quiet(context.log),
  });
  return { client, transport };
}

/** Its warnings into our log; the rest it would print shows payloads. */
function quiet(log: AdapterLog): Logger {
  const silent = () => undefined;
  const warn = (...messages: unknown[]) => log.warn({}, `slack client: ${messages.map(String).join(' ')}`);
  return {
    debug: silent,
    info: silent,
    warn,
    error: warn,
    setLevel: silent,
    setName: silent,
    getLevel: () => 'warn' as LogLevel,
  };
}

/** Slack's own trouble, over in a moment: https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const TRANSIENT = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'rollup_error']);
/** When `ratelimited` comes in a 200, without a header. */
const WAIT_MS = 30_000;

const dialect: Dialect = {
  name: 'Slack',
  explain: ({ error, needed }) => [error, needed && `needs ${String(needed as string)}`].filter(Boolean).join(', '),
  /** Slack refuses in a 200. */
  classify({ status, body }: Answer, message: string): SpillwayError | undefined {
    if (status !== 200) return undefined;
    const { ok, error } = JSON.parse(body) as { ok?: boolean; error?: string };
    if (ok !== false || !error) return undefined;
    if (error === 'ratelimited') return new RateLimitedError(message, { code: 'rate-limited', retryAfterMs: WAIT_MS });
    const code = `slack-${error.replaceAll('_', '-')}`;
    return TRANSIENT.has(error) ? new TransientError(message, { code }) : new PermanentError(message, { code });
  },
};
