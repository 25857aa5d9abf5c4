import { type Asked, FakeProvider, formOf, isForm, isJson, jsonOf, type Reply } from './fake-provider';

interface SlackMessage {
  type: 'message';
  ts: string;
  text: string;
  metadata?: unknown;
  blocks?: unknown;
}

/**
 * Slack's Web API for posting and reading: errors are `ok: false` in a 200.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 */
export class FakeSlack extends FakeProvider {
  readonly token = 'xoxb-fake-0123456789';
  readonly channels = new Map<string, SlackMessage[]>([['C0000000001', []]]);
  /** Whether the token may read messages (`channels:history`). */
  mayRead = true;
  private clock = 1_700_000_000;

  errorBody(status: number): unknown {
    return { ok: false, error: status === 429 ? 'ratelimited' : 'internal_error' };
  }

  protected answer(request: Asked): Reply {
    const given = isJson(request) ? jsonOf(request) : isForm(request) ? formOf(request) : undefined;
    if (!given) return no('invalid_post_type');
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (!token) return no('not_authed');
    if (token !== this.token) return no('invalid_auth');
    if (request.path === '/api/chat.postMessage') return this.post(given);
    if (request.path === '/api/conversations.history') return this.history(given);
    return no('unknown_method');
  }

  private post(given: Record<string, unknown>): Reply {
    const channel = String(given['channel']);
    const messages = this.channels.get(channel);
    if (!messages) return no('channel_not_found');
    if (!given['text'] && !given['blocks']) return no('no_text');
    const blocks = parsed(given['blocks']);
    if (blocks !== undefined && !Array.isArray(blocks)) return no('invalid_blocks');
    this.clock += 1;
    const ts = `${Math.floor(Date.now() / 1_000)}.${String(this.clock).slice(-6)}`;
    const message = {
      type: 'message' as const,
      ts,
      text: String(given['text']),
      blocks,
      metadata: parsed(given['metadata']),
    };
    messages.unshift(message);
    return { status: 200, body: { ok: true, channel, ts, message } };
  }

  private history(given: Record<string, unknown>): Reply {
    if (!this.mayRead) return no('missing_scope', { needed: 'channels:history', provided: 'chat:write' });
    const found = this.channels.get(String(given['channel']));
    if (!found) return no('channel_not_found');
    const oldest = Number(given['oldest'] ?? 0);
    const all = String(given['include_all_metadata']) === 'true';
    const messages = found
      .filter(({ ts }) => Number(ts) >= oldest)
      .map((message) => (all ? message : { ...message, metadata: undefined }));
    return { status: 200, body: { ok: true, messages, has_more: false } };
  }
}

function no(error: string, more: Record<string, unknown> = {}): Reply {
  return { status: 200, body: { ok: false, error, ...more } };
}

/** In a form, objects are JSON. */
function parsed(value: unknown): unknown {
  return typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
}
