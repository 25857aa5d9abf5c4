import { PermanentError } from '@spillway/contracts';
import type { KeyInfo } from '@spillway/persistence';
import { Command } from 'commander';
import { Client } from '../client';
import { dayTime, table } from '../lines';

type Sent = Omit<KeyInfo, 'createdAt' | 'retiredAt' | 'shreddedAt'> & {
  createdAt: string;
  retiredAt: string | null;
  shreddedAt: string | null;
};

export const encryptionCommands = new Command('encryption')
  .description('Keys that payloads of tenants are sealed with')
  .addCommand(
    new Command('list').description('Keys of tenants, and the master keys that wrap them').action(async () => {
      const { encryption, keys } = await Client.fromEnvironment().get<{ encryption: boolean; keys: Sent[] }>(
        '/encryption',
      );
      const rows = keys.map(({ tenant, id, master, createdAt, retiredAt, shreddedAt }) => {
        const state = shreddedAt
          ? `shredded ${dayTime(shreddedAt)}`
          : retiredAt
            ? `retired ${dayTime(retiredAt)}`
            : 'current';
        return [tenant, id, master, dayTime(createdAt), state];
      });
      process.stdout.write(table(['tenant', 'key', 'master', 'made', 'state'], rows));
      if (!encryption) process.stdout.write('encryption is off: new payloads are clear\n');
    }),
  )
  .addCommand(
    new Command('rotate')
      .description('Seals new data of a tenant with a new key')
      .argument('<tenant>')
      .action(async (tenant: string) => {
        const path = `/encryption/${encodeURIComponent(tenant)}/rotate`;
        const { key } = await Client.fromEnvironment().post<{ key: string }>(path, {});
        process.stdout.write(`new data of ${tenant} is sealed with ${key}\n`);
      }),
  )
  .addCommand(
    new Command('rotate-master')
      .description('Brings all keys and secrets under the SPILLWAY_KEY of now')
      .action(async () => {
        const path = '/encryption/rotate-master';
        const { keys, documents } = await Client.fromEnvironment().post<{ keys: number; documents: number }>(path, {});
        process.stdout.write(`${keys} keys and the secrets of ${documents} documents are sealed anew\n`);
      }),
  );

export const tenantCommands = new Command('tenants').description('What concerns a tenant as a whole').addCommand(
  new Command('shred')
    .description('Destroys the keys of a tenant: nobody can read its payloads again')
    .argument('<name>')
    .option('--yes', 'really', false)
    .action(async (name: string, { yes }: { yes: boolean }) => {
      if (!yes) {
        throw new PermanentError(`the payloads of ${name} would be lost for good`, {
          code: 'not-confirmed',
          remedy: 'Add --yes.',
        });
      }
      const path = `/tenants/${encodeURIComponent(name)}/shred`;
      const { keys } = await Client.fromEnvironment().post<{ keys: number }>(path, { confirm: name });
      process.stdout.write(`${keys} ${keys === 1 ? 'key' : 'keys'} of ${name} destroyed\n`);
    }),
);
