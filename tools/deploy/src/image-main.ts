import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROLES } from '@spillway/contracts';
import { TestServers, ThirdParty } from '@spillway/testing';
import { carryOut, type Image } from './image/build';
import { canConfine } from './image/container';
import { Installation } from './image/installation';

/**
 * `npm run check:image`: carries out docker/Dockerfile in a clean folder, then runs every role from the result against a
 * real PostgreSQL and Redis, sends a webhook and sees it done. What needs Docker itself is not run: docker/README.md.
 */
async function main(): Promise<void> {
  // Not under /tmp, which the containers have of their own.
  const target = mkdtempSync('/var/tmp/spillway-image-');
  chmodSync(target, 0o755);
  const began = performance.now();
  const say = (text: string) =>
    console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  try {
    const image = carryOut('docker/Dockerfile', process.cwd(), target);
    hold(image);
    say(`docker/Dockerfile carried out: ${megabytes(image.app)} MB over ${image.base}`);
    const confined = canConfine();
    say(
      confined
        ? 'containers: namespaces, read-only root, no capabilities'
        : 'containers: NOT confined, this user may not',
    );
    await run(image, confined, say);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** What must be true of the image before anything is started from it. */
function hold(image: Image): void {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: { node: string } };
  if (!image.base.startsWith(`node:${dependencies.node}-`))
    throw new Error(`docker/Dockerfile has ${image.base}, package.json has Node ${dependencies.node}`);
  if (!(image.uid > 0)) throw new Error('the image runs as root, or as a user without a number');
  for (const label of ['title', 'version', 'revision', 'licenses'])
    if (!image.labels[`org.opencontainers.image.${label}`]) throw new Error(`the image has no label ${label}`);
  if (image.healthcheck.length === 0) throw new Error('the image has no HEALTHCHECK');
  // Where the base image has it; the checkout's own cannot be seen from inside.
  const bin = join(image.app, '../bin');
  mkdirSync(bin);
  copyFileSync(process.execPath, join(bin, 'node'));
}

async function run(image: Image, confined: boolean, say: (text: string) => void): Promise<void> {
  const servers = await TestServers.start('redis');
  const crm = await ThirdParty.start();
  const installation = await Installation.prepare(image, confined, servers);
  try {
    await installation.failsWithoutDatabase();
    say('without DATABASE_URL it says so, and ends with 1');
    say(`migrations: ${await installation.migrate()}`);
    await installation.start(ROLES);
    say(`${ROLES.length} roles are ready`);
    await installation.areHealthy();
    say('each is healthy, ready, and has metrics');
    const state = await installation.sendOne(crm);
    say(`one webhook: ${state}, and ${crm.calls.length} call of the third party`);
    say(await installation.stop());
  } finally {
    installation.kill();
    await crm.close();
    await servers.close();
  }
}

function megabytes(folder: string): number {
  return Number.parseInt(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }), 10);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
