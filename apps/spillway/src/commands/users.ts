import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { UserInfo } from '@spillway/operations';
import { Command, Option } from 'commander';
import { Client } from '../client';
import { dayTime, table } from '../lines';

type SentUser = Omit<UserInfo, 'createdAt' | 'lastLoginAt'> & { lastLoginAt: string | null };

const role = () => new Option('--role <role>', 'viewer, operator or admin').makeOptionMandatory();
const tenant = () => new Option('--tenant <name>', 'where the role holds; everywhere, if left out');
const fromInput = () =>
  new Option('--password-stdin', 'read the password from standard input; left out, one is made and shown').default(
    false,
  );

export const userCommands = new Command('users')
  .description('People who may log in to the admin, and their roles')
  .addCommand(
    new Command('list').description('People and their roles').action(async () => {
      const { users } = await Client.fromEnvironment().get<{ users: SentUser[] }>('/users');
      const rows = users.map((user) => [
        user.name,
        user.roles.map((one) => `${one.role}@${one.tenant ?? '*'}${one.mapped ? ' (OpenID)' : ''}`).join(' ') || '-',
        user.login.join(' ') || '-',
        dayTime(user.lastLoginAt),
      ]);
      process.stdout.write(table(['name', 'roles', 'login', 'last login'], rows));
    }),
  )
  .addCommand(
    new Command('add')
      .description('Makes a user')
      .argument('<name>')
      .addOption(role())
      .addOption(tenant())
      .addOption(fromInput())
      .action(async (name: string, options: { role: string; tenant?: string; passwordStdin: boolean }) => {
        const { password, shown } = await passwordOf(options.passwordStdin);
        const body = { role: options.role, password, ...(options.tenant && { tenant: options.tenant }) };
        await Client.fromEnvironment().put(`/users/${encodeURIComponent(name)}`, body);
        process.stdout.write(
          `${name} is ${options.role} ${options.tenant ? `in ${options.tenant}` : 'everywhere'}\n${shown}`,
        );
      }),
  )
  .addCommand(
    new Command('role')
      .description('Gives a user a role, another role, or takes it away')
      .argument('<name>')
      .addOption(new Option('--role <role>', 'viewer, operator, admin or none').makeOptionMandatory())
      .addOption(tenant())
      .action(async (name: string, options: { role: string; tenant?: string }) => {
        const path = `/users/${encodeURIComponent(name)}/roles/${options.tenant ?? '*'}`;
        const client = Client.fromEnvironment();
        const where = options.tenant ? `in ${options.tenant}` : 'everywhere';
        if (options.role === 'none') await client.delete(path);
        else await client.put(path, { role: options.role });
        process.stdout.write(`${name}: ${options.role === 'none' ? 'no role' : options.role} ${where}\n`);
      }),
  )
  .addCommand(
    new Command('password')
      .description('Gives a user another password and logs them out everywhere')
      .argument('<name>')
      .addOption(fromInput())
      .action(async (name: string, options: { passwordStdin: boolean }) => {
        const client = Client.fromEnvironment();
        const { users } = await client.get<{ users: SentUser[] }>('/users');
        if (!users.some((user) => user.name === name)) throw new Error(`there is no user ${name}`);
        const { password, shown } = await passwordOf(options.passwordStdin);
        await client.put(`/users/${encodeURIComponent(name)}`, { password });
        process.stdout.write(`the password of ${name} was changed\n${shown}`);
      }),
  )
  .addCommand(
    new Command('remove')
      .description('Removes a user, their roles and sessions')
      .argument('<name>')
      .action(async (name: string) => {
        const path = `/users/${encodeURIComponent(name)}`;
        const { keys } = await Client.fromEnvironment().delete<{ keys: { id: string; name: string }[] }>(path);
        process.stdout.write(`${name} was removed\n`);
        for (const key of keys) process.stdout.write(`still valid, made by ${name}: key ${key.name} (${key.id})\n`);
      }),
  );

/** Never as an argument: those are seen by everybody on the machine. */
async function passwordOf(fromStdin: boolean): Promise<{ password: string; shown: string }> {
  if (fromStdin) return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), shown: '' };
  const password = randomBytes(15).toString('base64url');
  return { password, shown: `password ${password}\n(shown this once)\n` };
}
