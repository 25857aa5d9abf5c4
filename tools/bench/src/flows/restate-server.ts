import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGE = '@restatedev/restate-server';
const VERSION = '1.7.12';

/**
 * The Restate server's program. It is under the Business Source License and has 216 MB, so it is no dependency: npm fetches it
 * once into `~/.cache/spillway` (or `$XDG_CACHE_HOME`), when this benchmark first asks for it.
 *
 * @throws Error, in one line, where it is not there and cannot be fetched
 */
export function restateServer(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(cache, 'spillway', `restate-server-${VERSION}`);
  // npm has the server as one optional package per kind of machine.
  const program = join(folder, `node_modules/${PACKAGE}-${process.platform}-${process.arch}`, 'bin/restate-server');
  if (!existsSync(program)) fetchInto(folder);
  if (!existsSync(program)) {
    throw new Error(
      `there is no ${PACKAGE} ${VERSION} for ${process.platform}-${process.arch}: leave it out, ${WITHOUT}`,
    );
  }
  return program;
}

const WITHOUT = 'with --parts bullmq,long,waiting';

function fetchInto(folder: string): void {
  console.log(`fetching ${PACKAGE} ${VERSION} (Business Source License) into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    execFileSync('npm', ['install', ...flags, '--prefix', folder, `${PACKAGE}@${VERSION}`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const why = String((error as { stderr?: Buffer }).stderr ?? error)
      .trim()
      .split('\n')[0];
    throw new Error(`npm could not fetch ${PACKAGE}@${VERSION} (${why}): leave it out, ${WITHOUT}`, { cause: error });
  }
}
