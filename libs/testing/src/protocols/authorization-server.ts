import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type {
  Adapter,
  AdapterPayload,
  ClientMetadata,
  Configuration,
  default as ProviderClass,
  JWK,
} from 'oidc-provider';

type Provider = InstanceType<typeof ProviderClass>;

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const GRANTS = ['client_credentials', 'password', TOKEN_EXCHANGE, 'refresh_token', 'authorization_code'];
const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'] as const;

/**
 * A real authorization server (`oidc-provider`) with a client for each way of authentication, named after it, and a
 * protected resource at `/me` that tells whose token it got.
 */
export class AuthorizationServer {
  /** Secret of the clients; with characters that need encoding. */
  static readonly secret = 'a client secret: %+& of 32 bytes';
  /** Password of everybody. */
  static readonly password = 'open sesame';
  /** Token requests so far, by path. */
  readonly asked: string[] = [];
  /** Every token the protected resource saw. */
  readonly seen: string[] = [];
  /** Life of new tokens, seconds. */
  lifeSeconds = 600;
  /** Set, the server answers this to all but `/me`. */
  outage?: number;
  /** PEM, PKCS #8, of the client `private_key_jwt`. */
  readonly privateKey: string;
  private readonly publicJwk: JWK;
  private provider!: Provider;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.privateKey = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    // A copy, since under Jest the export is an object of another realm.
    this.publicJwk = { ...publicKey.export({ format: 'jwk' }) };
  }

  static async start(): Promise<AuthorizationServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new AuthorizationServer(server, `http://127.0.0.1:${address.port}`);
    await self.prepare();
    return self;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A refresh token as a person's consent would have given it. */
  async refreshToken(clientId: string): Promise<string> {
    const client = await this.provider.Client.find(clientId);
    if (!client) throw new Error(`no client ${clientId}`);
    const grant = new this.provider.Grant({ accountId: 'ann', clientId });
    grant.addOIDCScope('openid offline_access');
    const grantId = await grant.save();
    const token = new this.provider.RefreshToken({
      accountId: 'ann',
      client,
      grantId,
      scope: 'openid offline_access',
      gty: 'authorization_code',
    });
    return token.save();
  }

  /** Makes the resource refuse a token it gave. */
  async revoke(token: string): Promise<void> {
    await (await this.find(token))?.destroy();
  }

  private async prepare(): Promise<void> {
    const { default: Provider, errors } = await import('oidc-provider');
    const clients = METHODS.map((method): ClientMetadata => ({
      client_id: method,
      ...(method === 'none' || method === 'private_key_jwt' ? {} : { client_secret: AuthorizationServer.secret }),
      ...(method === 'private_key_jwt' && { jwks: { keys: [this.publicJwk] } }),
      token_endpoint_auth_method: method,
      grant_types: method === 'none' ? GRANTS.filter((grant) => grant !== 'client_credentials') : GRANTS,
      redirect_uris: ['https://example.com/back'],
      response_types: ['code'],
    }));
    const life = () => this.lifeSeconds;
    const day = () => 86_400;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const configuration: Configuration = {
      // Not `clients`: those are cloned, into objects of another realm under Jest, which the provider refuses.
      adapter: adapterOf(new Map(clients.map((client) => [`Client:${client.client_id}`, client as AdapterPayload]))),
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig' }] },
      scopes: ['openid', 'offline_access', 'calls'],
      features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
      clientAuthMethods: [...METHODS],
      ttl: { ClientCredentials: life, AccessToken: life, RefreshToken: day, Grant: day, IdToken: day },
      rotateRefreshToken: true,
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    };
    const provider = new Provider(this.issuer, configuration);
    this.provider = provider;
    provider.registerGrantType(
      'password',
      async (ctx) => {
        const { client, params } = ctx.oidc;
        if (params.password !== AuthorizationServer.password) throw new errors.InvalidGrant('wrong password');
        const token = new provider.AccessToken({ accountId: String(params.username), client, scope: 'calls' } as never);
        ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer' };
      },
      ['username', 'password'],
    );
    provider.registerGrantType(
      TOKEN_EXCHANGE,
      async (ctx) => {
        const { client, params } = ctx.oidc;
        const accountId = `${String(params.subject_token)} as ${String(params.subject_token_type)}`;
        const actor = typeof params.actor_token === 'string' ? ` by ${params.actor_token}` : '';
        const token = new provider.AccessToken({ accountId: accountId + actor, client, scope: 'calls' } as never);
        ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer' };
      },
      ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type'],
    );
    const callback = provider.callback();
    this.server.on('request', (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0]!;
      if (path === '/me') return void this.me(request, response);
      this.asked.push(path);
      if (this.outage) return response.writeHead(this.outage).end();
      void callback(request, response);
    });
  }

  private async me(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const value = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    this.seen.push(value);
    const token = await this.find(value);
    const body = token && {
      client: token.clientId,
      scope: token.scope,
      account: (token as { accountId?: string }).accountId,
    };
    response.writeHead(body ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  }

  private async find(value: string) {
    return (await this.provider.ClientCredentials.find(value)) ?? (await this.provider.AccessToken.find(value));
  }
}

/** Everything in a map, by model and id; artifacts end by the times they carry themselves. */
export function adapterOf(stored: Map<string, AdapterPayload>): (model: string) => Adapter {
  return (model) => {
    const keyOf = (id: string) => `${model}:${id}`;
    const findBy = async (name: 'uid' | 'userCode', value: string) =>
      [...stored.values()].find((payload) => payload[name] === value);
    return {
      upsert: async (id, payload) => void stored.set(keyOf(id), payload),
      find: async (id) => stored.get(keyOf(id)),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('userCode', code),
      consume: async (id) => {
        const payload = stored.get(keyOf(id));
        if (payload) payload.consumed = Math.floor(Date.now() / 1_000);
      },
      destroy: async (id) => void stored.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
      },
    };
  };
}
