import { PermanentError } from '@spillway/contracts';
import type { SignedSample } from '@spillway/operations';
import { Command } from 'commander';
import { request } from 'undici';
import { Client } from '../client';

interface SendOptions {
  provider?: string;
  source?: string;
  tenant: string;
  type?: string;
  count: string;
}

const AT_ONCE = 100;

export const sendCommand = new Command('send')
  .description('Signs and posts realistic samples of a provider')
  .option('--provider <name>', 'the provider, where its source has the same name')
  .option('--source <name>', 'the source to send to')
  .option('--tenant <name>', 'whose source it is', 'demo')
  .option('--type <type>', "one of the provider's sample types")
  .option('--count <number>', 'how many', '1')
  .action(async (options: SendOptions) => {
    const source = options.source ?? options.provider;
    const count = Number(options.count);
    if (!source)
      throw new PermanentError('name a provider or a source', { code: 'usage', remedy: 'Try --provider stripe.' });
    if (!Number.isInteger(count) || count < 1)
      throw new PermanentError('--count must be a whole number from 1', { code: 'usage' });
    const client = Client.fromEnvironment();
    let accepted = 0;
    for (let left = count; left > 0; left -= AT_ONCE) {
      const batch = { type: options.type, count: Math.min(left, AT_ONCE) };
      const path = `/sources/${encodeURIComponent(options.tenant)}/${encodeURIComponent(source)}/samples`;
      const { requests } = await client.post<{ requests: SignedSample[] }>(path, batch);
      const answers = await Promise.all(requests.map(post));
      for (const { status, body, type } of answers) {
        accepted += Number(status < 300);
        if (count <= 10 || status >= 300) process.stdout.write(`${status} ${type} ${body}\n`);
      }
    }
    process.stdout.write(`${accepted} of ${count} accepted\n`);
    if (accepted < count) process.exitCode = 1;
  });

async function post({ url, headers, body, type }: SignedSample) {
  const response = await request(url, { method: 'POST', headers, body });
  return { status: response.statusCode, body: (await response.body.text()).slice(0, 300), type };
}
