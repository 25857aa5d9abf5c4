import { SpillwayError } from '@spillway/contracts';
import type { AnyAdapter } from '../adapter';
import { invoke, type Invocation } from '../invoke';

/** What a fake of libs/testing/src/providers has; libs do not import that one outside of specs. */
export interface Fake {
  url: string;
  asked: { headers: Record<string, string | string[] | undefined> }[];
  aborted: number;
  failNext(reply: { status: number; headers?: Record<string, string>; body?: unknown }): void;
  hangNext(): void;
  errorBody(status: number): unknown;
}

/** What a test says of an adapter, so that the promises every adapter makes are checked in the same way. */
export interface Promised {
  adapter: AnyAdapter;
  fake(): Fake;
  /** Names of secrets and their right values. */
  secrets: Record<string, string>;
  options?: Record<string, unknown>;
  capability: string;
  /** Arguments that succeed. */
  parameters: unknown;
  /** Arguments that the schema lets through and the provider refuses. */
  refused: unknown;
  /** What the provider is expected to say of them. */
  refusal: RegExp;
}

/** Calls a capability as the queue does. */
export async function callOf(promised: Promised, given: Partial<Invocation> = {}): Promise<unknown> {
  return invoke(promised.adapter, promised.capability, {
    options: { baseUrl: promised.fake().url, ...promised.options },
    secrets: promised.secrets,
    idempotencyKey: 'key-1',
    signal: new AbortController().signal,
    log: { debug: () => undefined, warn: () => undefined },
    parameters: promised.parameters,
    ...given,
  });
}

/** The error a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<SpillwayError> {
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof SpillwayError) return error;
  throw new Error(`it should have failed with a SpillwayError, not ${String(error)}`);
}

/** Bad credentials, refused input, 429, 5xx, no answer and abort: the same for every adapter. */
export function keepsTheCommonPromises(promised: () => Promised): void {
  it('ends for good when the credentials are wrong, and does not repeat them', async () => {
    const { secrets } = promised();
    const wrong = Object.fromEntries(Object.keys(secrets).map((name) => [name, `wrong-${name}-0123456789`]));
    const error = await errorOf(callOf(promised(), { secrets: wrong }));
    expect(error.class).toBe('permanent');
    for (const value of Object.values(wrong)) expect(error.message).not.toContain(value);
  });

  it('says which secret is missing', async () => {
    const error = await errorOf(callOf(promised(), { secrets: {} }));
    expect(error).toMatchObject({ class: 'permanent', code: 'secret-missing' });
  });

  it('ends for good when the provider refuses the input', async () => {
    const error = await errorOf(callOf(promised(), { parameters: promised().refused }));
    expect(error.class).toBe('permanent');
    expect(error.message).toMatch(promised().refusal);
  });

  it('ends for good when the arguments are not those of the capability', async () => {
    const before = promised().fake().asked.length;
    const error = await errorOf(callOf(promised(), { parameters: { nonsense: true } }));
    expect(error).toMatchObject({ class: 'permanent', code: 'arguments-invalid' });
    expect(promised().fake().asked).toHaveLength(before);
  });

  it('waits as long as a 429 says, and asks once', async () => {
    const fake = promised().fake();
    const before = fake.asked.length;
    fake.failNext({ status: 429, headers: { 'retry-after': '7' }, body: fake.errorBody(429) });
    const error = await errorOf(callOf(promised()));
    expect(error).toMatchObject({ class: 'rate-limited', retryAfterMs: 7_000 });
    expect(fake.asked).toHaveLength(before + 1);
  });

  it('is worth another try after a 500, and asks once', async () => {
    const fake = promised().fake();
    const before = fake.asked.length;
    fake.failNext({ status: 500, body: fake.errorBody(500) });
    const error = await errorOf(callOf(promised()));
    expect(error).toMatchObject({ class: 'transient', code: 'http-500' });
    expect(fake.asked).toHaveLength(before + 1);
  });

  it('is worth another try after the page of a proxy', async () => {
    promised()
      .fake()
      .failNext({ status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway' });
    expect(await errorOf(callOf(promised()))).toMatchObject({ class: 'transient', code: 'http-502' });
  });

  it('is worth another try when nobody answers', async () => {
    const options = { baseUrl: 'http://127.0.0.1:9', ...promised().options };
    const error = await errorOf(callOf(promised(), { options }));
    expect(error).toMatchObject({ class: 'transient', code: 'call-failed' });
  });

  it('hangs up when it is told to stop', async () => {
    const fake = promised().fake();
    const [asked, aborted] = [fake.asked.length, fake.aborted];
    fake.hangNext();
    const stop = new AbortController();
    const call = errorOf(callOf(promised(), { signal: stop.signal }));
    await until(() => fake.asked.length > asked);
    stop.abort();
    expect(await call).toMatchObject({ class: 'transient', code: 'call-aborted' });
    await until(() => fake.aborted > aborted);
  });

  it('passes the trace on', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await callOf(promised(), { traceparent, idempotencyKey: 'traced' });
    expect(promised().fake().asked.at(-1)?.headers['traceparent']).toBe(traceparent);
  });
}

/** Waits for a condition, 5 s at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to pass within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
