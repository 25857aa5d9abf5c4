import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { ClientMetadata, Configuration, default as ProviderClass } from 'oidc-provider';
import { adapterOf } from './authorization-server';

type Provider = InstanceType<typeof ProviderClass>;

const LIVES = ['Interaction', 'Session', 'Grant', 'AccessToken', 'IdToken', 'AuthorizationCode'];

/** A real OpenID provider (`oidc-provider`) with one client, at which people are logged in without being asked. */
export class OpenIdProvider {
  /** Claims of people, by `sub`. */
  readonly people = new Map<string, Record<string, unknown>>();
  /** The `sub` of who logs in next. */
  next = '';

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start(client: ClientMetadata): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new OpenIdProvider(server, `http://127.0.0.1:${address.port}`);
    await self.prepare(client);
    return self;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async prepare(client: ClientMetadata): Promise<void> {
    const { default: Provider } = await import('oidc-provider');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const configuration: Configuration = {
      adapter: adapterOf(new Map([[`Client:${client.client_id}`, client]])),
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig' }] },
      ttl: Object.fromEntries(LIVES.map((artifact) => [artifact, 600])),
      cookies: { keys: [randomBytes(16).toString('hex')] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
      features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
      pkce: { required: () => true },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...this.people.get(id) }) }),
      loadExistingGrant: async (ctx) => {
        const grant = new ctx.oidc.provider.Grant({
          accountId: ctx.oidc.session!.accountId,
          clientId: ctx.oidc.client!.clientId,
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    };
    const provider: Provider = new Provider(this.issuer, configuration);
    const callback = provider.callback();
    this.server.on('request', (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return void callback(request, response);
      void provider.interactionFinished(request, response, { login: { accountId: this.next } });
    });
  }
}
