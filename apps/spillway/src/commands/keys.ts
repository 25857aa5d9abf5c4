import type { ApiKeyInfo } from '@spillway/tenancy';
import { Command } from 'commander';
import { Client } from '../client';
import { dayTime, table } from '../lines';

/** As it is sent: moments are texts. */
type SentKey = {
  [Field in keyof ApiKeyInfo]: ApiKeyInfo[Field] extends Date | null ? string | null : ApiKeyInfo[Field];
};

const once = (token: string) => `${token}\n(shown this once)\n`;

export const keyCommands = new Command('keys')
  .description('API keys: makes, rotates and revokes them')
  .addCommand(
    new Command('list')
      .description('Keys, what they may do, and when they were last used')
      .option('--tenant <name>')
      .option('--revoked', 'also those that were revoked', false)
      .action(async ({ tenant, revoked }: { tenant?: string; revoked: boolean }) => {
        const query = { tenant, revoked: revoked ? 'true' : undefined };
        const { keys } = await Client.fromEnvironment().get<{ keys: SentKey[] }>('/keys', query);
        process.stdout.write(
          table(['id', 'name', 'tenant', 'secret', 'last used', 'state', 'scopes'], keys.map(rowOf)),
        );
      }),
  )
  .addCommand(
    new Command('create')
      .description('Makes a key and shows its secret, this once')
      .argument('<name>')
      .requiredOption('--scope <scope...>', 'what it may do: events:write, payloads:read, …; "*" is everything')
      .option('--tenant <name>', 'left out, the key is for every tenant')
      .option('--expires <time>', 'ISO 8601: 2027-01-31T00:00:00Z')
      .option('--description <text>')
      .action(async (name: string, options: Record<string, string> & { scope: string[] }) => {
        const { scope: scopes, expires: expiresAt, tenant, description } = options;
        const made = await Client.fromEnvironment().post<{ id: string; token: string }>('/keys', {
          name,
          scopes,
          ...(tenant && { tenant }),
          ...(expiresAt && { expiresAt }),
          ...(description && { description }),
        });
        process.stdout.write(`key ${made.id}\n${once(made.token)}`);
      }),
  )
  .addCommand(
    new Command('rotate')
      .description('Gives a key a new secret; the one before works on for a while')
      .argument('<id>')
      .option('--overlap <duration>', 'how long the secret before still works: 0s, 2h, 7d', '24h')
      .option('--expires <time>', 'a new end of the key; left out, it stays')
      .action(async (id: string, { overlap, expires }: { overlap: string; expires?: string }) => {
        const body = { overlap, ...(expires && { expiresAt: expires }) };
        const path = `/keys/${encodeURIComponent(id)}/rotate`;
        const rotated = await Client.fromEnvironment().post<{ token: string; previousUntil: string | null }>(
          path,
          body,
        );
        const until = rotated.previousUntil;
        process.stdout.write(once(rotated.token));
        process.stdout.write(until ? `the secret before works until ${until}\n` : 'the secret before has ended\n');
      }),
  )
  .addCommand(
    new Command('revoke')
      .description('Ends a key for good')
      .argument('<id>')
      .action(async (id: string) => {
        const { name } = await Client.fromEnvironment().delete<{ name: string }>(`/keys/${encodeURIComponent(id)}`);
        process.stdout.write(`${name} was revoked\n`);
      }),
  );

function rowOf(key: SentKey): string[] {
  return [
    key.id,
    key.name,
    key.tenant ?? '(all)',
    `${key.hint}…`,
    dayTime(key.lastUsedAt),
    stateOf(key),
    key.scopes.join(' '),
  ];
}

function stateOf(key: SentKey): string {
  const isPast = (time: string | null) => time !== null && Date.parse(time) < Date.now();
  if (key.revokedAt) return 'revoked';
  if (isPast(key.expiresAt)) return 'expired';
  if (!key.previousUntil || isPast(key.previousUntil))
    return key.expiresAt ? `until ${dayTime(key.expiresAt)}` : 'valid';
  const used = key.previousUsedAt ? `, last used ${dayTime(key.previousUsedAt)}` : '';
  return `rotated; old secret until ${dayTime(key.previousUntil)}${used}`;
}
