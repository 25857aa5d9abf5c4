// Finds commands on the PATH, or installs them with apt where that is allowed, or says in one line what to install.
'use strict';
const { spawnSync } = require('node:child_process');

/** @param {{ command: string, package: string }[]} wanted */
function provide(wanted) {
  const missing = wanted.filter(({ command }) => !isThere(command));
  if (missing.length === 0) return;
  const packages = missing.map((one) => one.package);
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    console.log(`installing ${packages.join(', ')} with apt-get`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const run = (...args) =>
      spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
    const install = () => run('install', '-y', '--no-install-recommends', ...packages);
    if (install() || (run('update') && install())) return;
  }
  console.error(`the tests need ${packages.join(' and ')}: apt-get install ${packages.join(' ')}`);
  process.exit(1);
}

function isThere(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

module.exports = { provide };
