import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Programs by Go package and version. A new version is a new file in the cache. */
const PROGRAMS = {
  helm: { package: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
  kubeconform: { package: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0' },
} as const;

/** Where what is built and made stays between runs, also of other clones. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'spillway-deploy');

/** @throws Error that says in one line what to install */
export function requireGo(): void {
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0) return;
  throw new Error(
    'check:k8s builds helm and kubeconform from the Go module proxy: install Go 1.24 or newer (apt-get install golang)',
  );
}

/** The path of a program, which is built when it is not in the cache. */
export function program(name: keyof typeof PROGRAMS): string {
  const { package: from, version } = PROGRAMS[name];
  const path = join(CACHE, 'bin', `${name}-${version}`);
  if (existsSync(path)) return path;
  console.log(`building ${name} ${version}`);
  const folder = join(CACHE, `build-${process.pid}`);
  mkdirSync(join(CACHE, 'bin'), { recursive: true });
  execFileSync('go', ['install', '-ldflags=-s -w', `${from}@${version}`], {
    env: { ...process.env, GOBIN: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  renameSync(join(folder, name), path);
  rmSync(folder, { recursive: true });
  return path;
}

/** The folder of a module's files, downloaded when they are not there, and held against Go's checksum database. */
export function moduleFolder(module: string): string {
  const output = execFileSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8', cwd: '/' });
  return (JSON.parse(output) as { Dir: string }).Dir;
}
