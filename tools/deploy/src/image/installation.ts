import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@spillway/contracts';
import { eventually, freePort, type TestServers, type ThirdParty } from '@spillway/testing';
import type { Image } from './build';
import { Container } from './container';

const API_KEY = 'spw_image_check_0123456789abcdef';

/** Spillway as containers of one image, with its secrets in files. */
export class Installation {
  private readonly roles = new Map<Role, Container>();
  private readonly others: Container[] = [];
  private readonly healthPorts = new Map<Role, string>();

  private constructor(
    private readonly image: Image,
    private readonly confined: boolean,
    private readonly environment: Record<string, string>,
    /** A folder that the containers can read. */
    private readonly folder: string,
  ) {}

  static async prepare(image: Image, confined: boolean, servers: TestServers): Promise<Installation> {
    const folder = join(image.app, '../mounted');
    mkdirSync(folder);
    const secrets = {
      DATABASE_URL: servers.postgres.url,
      REDIS_URL: servers.redis!.url,
      SPILLWAY_KEY: '42'.repeat(32),
      ADMIN_PASSWORD: 'a password for a check',
      ADMIN_API_KEY: API_KEY,
    };
    const environment: Record<string, string> = {
      INGRESS_PORT: String(await freePort()),
      ADMIN_PORT: String(await freePort()),
      // The third party of this check is on this machine.
      EGRESS_ALLOW: '127.0.0.0/8',
    };
    for (const [name, value] of Object.entries(secrets)) {
      environment[`${name}_FILE`] = join(folder, name);
      writeFileSync(join(folder, name), `${value}\n`);
    }
    environment['PUBLIC_URL'] = `http://127.0.0.1:${environment['INGRESS_PORT']}`;
    return new Installation(image, confined, environment, folder);
  }

  /** @throws Error unless the one line that it says tells what to do */
  async failsWithoutDatabase(): Promise<void> {
    const container = new Container(this.image, ['worker-ingress'], {}, this.confined);
    const { code } = await container.end();
    if (code !== 1 || !/^DATABASE_URL is not set, .*Set DATABASE_URL to/.test(container.output))
      throw new Error(`without DATABASE_URL: ${code} ${container.output}`);
  }

  async migrate(): Promise<string> {
    return (await this.command('migrate')).trim();
  }

  async start(roles: readonly Role[]): Promise<void> {
    // The containers share this machine's network, and each has its health on a port of its own.
    for (const role of roles) this.healthPorts.set(role, String(await freePort()));
    for (const role of roles) this.roles.set(role, this.container([role], this.healthOf(role)));
    await Promise.all([...this.roles].map(([role, container]) => container.says(`${role} is ready`)));
  }

  /** The image's health check in every container, and that each says that it is ready, and has metrics. */
  async areHealthy(): Promise<void> {
    for (const role of this.roles.keys()) {
      const environment = { ...this.environment, ...this.healthOf(role), SPILLWAY_ROLES: role };
      const check = new Container(this.image, [], environment, this.confined, this.image.healthcheck);
      const { code } = await check.end();
      if (code !== 0) throw new Error(`the health check of ${role}: ${code} ${check.output}`);
      for (const path of ['/health/ready', '/metrics']) {
        const { status } = await fetch(`http://127.0.0.1:${this.healthPorts.get(role)}${path}`);
        if (status !== 200) throw new Error(`${path} of ${role} answers ${status}`);
      }
    }
  }

  private healthOf(role: Role): Record<string, string> {
    return { HEALTH_PORT: this.healthPorts.get(role)! };
  }

  /** A webhook in, and the work behind it done. @returns the state of its event */
  async sendOne(crm: ThirdParty): Promise<string> {
    const documents = [
      `kind: Tenant\nmetadata: { name: shop }\nspec: { title: The shop }`,
      `kind: Source\nmetadata: { name: github, tenant: shop }\nspec: { provider: github, secrets: [{ env: HOOK_SECRET }] }`,
      `kind: Route\nmetadata: { name: crm, tenant: shop }\nspec: { match: { provider: github }, to: { http: { url: "${crm.url}" } } }`,
    ];
    const file = join(this.folder, 'documents.yaml');
    writeFileSync(file, documents.map((one) => `apiVersion: spillway/v1\n${one}\n`).join('---\n'));
    await this.command('apply', '-f', file);
    const sent = await this.command('send', '--tenant', 'shop', '--provider', 'github');
    const id = /"id":"([^"]+)"/.exec(sent)?.[1];
    if (!id) throw new Error(`it was not accepted: ${sent}`);
    return eventually(
      async () => {
        const { state } = JSON.parse(await this.command('events', 'show', id, '--json')) as { state: string };
        if (state === 'dead-letter') throw new Error(await this.command('events', 'show', id));
        return state === 'done' ? state : undefined;
      },
      { what: `the end of event ${id}`, withinMs: 60_000, everyMs: 500 },
    );
  }

  /** Stops them as Docker and Kubernetes do. @throws Error unless each drains and ends with 0 */
  async stop(): Promise<string> {
    const ends = await Promise.all([...this.roles].map(async ([role, one]) => ({ role, one, end: await one.stop() })));
    for (const { role, one, end } of ends)
      if (end.code !== 0 || !one.output.includes('has stopped'))
        throw new Error(`${role} ended with ${end.code ?? end.signal}: ${one.output}`);
    const early = this.container(['worker-analytics']);
    this.others.push(early);
    const { code } = await early.stopEarly();
    if (code !== 143) throw new Error(`stopped while it started, it ended with ${code}: ${early.output}`);
    return 'each role drains and ends with 0 on the stop signal; one that is still starting ends too';
  }

  kill(): void {
    for (const container of [...this.roles.values(), ...this.others]) container.kill();
  }

  private container(args: string[], extra: Record<string, string> = {}): Container {
    return new Container(this.image, args, { ...this.environment, ...extra }, this.confined);
  }

  /** One command of the command line, in a container of its own. @throws Error with what it said when it fails */
  private async command(...args: string[]): Promise<string> {
    const container = this.container(args, {
      SPILLWAY_URL: `http://127.0.0.1:${this.environment['ADMIN_PORT']}`,
      SPILLWAY_API_KEY: API_KEY,
      HOOK_SECRET: 'a secret of the hook',
    });
    const { code } = await container.end();
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${container.output}`);
    return container.output;
  }
}
