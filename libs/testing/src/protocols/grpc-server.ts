import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Grpc from '@grpc/grpc-js';

export type GrpcHandler = (call: Grpc.ServerUnaryCall<Record<string, unknown>, unknown>) => Promise<object> | object;

/** A real gRPC server of one service; its proto is loaded by `@grpc/proto-loader`, apart from how clients load it. */
export class GrpcServer {
  private constructor(
    private readonly server: Grpc.Server,
    readonly port: number,
  ) {}

  /**
   * @param handlers by the method's name; what they throw with `code` and `details` is the status
   * @param files more protos, by the name they are imported under
   */
  static async start(
    proto: string,
    service: string,
    handlers: Record<string, GrpcHandler>,
    files: Record<string, string> = {},
  ): Promise<GrpcServer> {
    const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
    const folder = await mkdtemp(join(tmpdir(), 'spillway-proto-'));
    for (const [name, text] of Object.entries({ ...files, 'main.proto': proto }))
      await writeFile(join(folder, name), text);
    const definition = await loader.load('main.proto', { includeDirs: [folder], keepCase: true, longs: String });
    await rm(folder, { recursive: true });
    const server = new grpc.Server();
    const implementation = Object.fromEntries(
      Object.entries(handlers).map(([name, handler]) => [
        name,
        (call: Grpc.ServerUnaryCall<Record<string, unknown>, unknown>, done: Grpc.sendUnaryData<unknown>) =>
          void Promise.resolve()
            .then(() => handler(call))
            .then((value) => done(null, value))
            .catch((error: Error) => done(error)),
      ]),
    );
    server.addService(definition[service] as Grpc.ServiceDefinition, implementation);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return new GrpcServer(server, port);
  }

  close(): void {
    this.server.forceShutdown();
  }
}
