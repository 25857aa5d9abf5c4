import { ThirdParty } from '@spillway/testing';
import { execFileSync } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdapterContext } from './adapter';
import { errorOf, until } from './testing/harness';
import { Transport } from './transport';

let other: ThirdParty;
beforeEach(async () => (other = await ThirdParty.start()));
afterEach(() => other.close());

const dialect = { name: 'Acme', explain: (body: Record<string, unknown>) => body['message'] as string };

function transport(given: Partial<Omit<AdapterContext, 'options'>> & { baseUrl?: string } = {}): Transport {
  const { baseUrl = other.url, ...context } = given;
  const log = { debug: () => undefined, warn: () => undefined };
  const signal = new AbortController().signal;
  return new Transport({ options: { baseUrl }, secrets: {}, idempotencyKey: 'key', signal, log, ...context }, dialect);
}

const URL_OF_ACME = 'https://api.acme.example/v1/things?page=2';

it('goes to the base URL with path and query, and not to the provider', async () => {
  await transport({ baseUrl: `${other.url}/proxy/` }).json('GET', URL_OF_ACME);
  expect(other.calls[0]).toMatchObject({ method: 'GET', path: '/proxy/v1/things?page=2' });
  expect(other.calls[0]!.headers.host).toBe(new URL(other.url).host);
});

it('does not follow a redirect, which would carry the credentials elsewhere', async () => {
  const thief = await ThirdParty.start();
  other.answer = () => ({ status: 302, headers: { location: thief.url } });
  const error = await errorOf(transport().json('GET', URL_OF_ACME, { headers: { authorization: 'Bearer x' } }));
  expect(error).toMatchObject({ class: 'permanent', code: 'redirected' });
  expect(thief.calls).toEqual([]);
  await thief.close();
});

it('does not repeat a secret that the other side repeats', async () => {
  other.answer = () => ({ status: 400, body: JSON.stringify({ message: 'bad key sk_live_123456' }) });
  const error = await errorOf(transport({ secrets: { KEY: 'sk_live_123456' } }).json('GET', URL_OF_ACME));
  expect(error.message).toBe('Acme answered 400: bad key [secret]');
});

it('does not keep an answer without end', async () => {
  other.answer = () => ({ status: 200, body: `"${'x'.repeat(6_000_000)}"` });
  expect(await errorOf(transport().json('GET', URL_OF_ACME))).toMatchObject({ code: 'answer-too-large' });
});

it('sends nothing when it was told to stop before', async () => {
  const error = await errorOf(transport({ signal: AbortSignal.abort() }).json('POST', URL_OF_ACME, { body: {} }));
  expect(error).toMatchObject({ class: 'transient', code: 'call-aborted' });
  expect(other.calls).toEqual([]);
});

describe('an answer that stops in the middle', () => {
  let server: Server;
  let response: ServerResponse | undefined;
  beforeEach(async () => {
    response = undefined;
    server = createServer((_, it) => {
      response = it;
      it.writeHead(200, { 'content-type': 'application/json' });
      it.write('{"id":');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('is given up when the call is', async () => {
    const stop = new AbortController();
    const call = errorOf(transport({ baseUrl: baseUrl(), signal: stop.signal }).json('GET', URL_OF_ACME));
    await until(() => response !== undefined);
    stop.abort();
    expect(await call).toMatchObject({ code: 'call-aborted' });
    await until(() => response!.destroyed);
  });

  it('is worth another try', async () => {
    const call = errorOf(transport({ baseUrl: baseUrl() }).json('GET', URL_OF_ACME));
    await until(() => response !== undefined);
    response!.destroy();
    expect(await call).toMatchObject({ class: 'transient', code: 'call-failed' });
  });
});

it('says that a client refused what it was given, when nothing was asked', async () => {
  const call = transport().run(() => Promise.reject(new Error('"to" is required')));
  expect(await errorOf(call)).toMatchObject({ class: 'permanent', code: 'call-invalid' });
});

it('loads no provider’s client before it is used', () => {
  const script = `
    require('@spillway/adapters');
    const clients = ['twilio', 'stripe', '@slack/web-api', 'retell-sdk', 'axios'];
    const loaded = Object.keys(require.cache).filter((file) => clients.some((it) => file.includes('/node_modules/' + it + '/')));
    console.log(JSON.stringify(loaded));`;
  const output = execFileSync(process.execPath, ['-r', '@swc-node/register', '-e', script], { encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual([]);
});
