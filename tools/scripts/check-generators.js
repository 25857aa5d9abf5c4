// `npm run check:generators`: what the generators make compiles and passes its tests, in a copy of the workspace.
'use strict';
const { execFileSync } = require('node:child_process');
const {
  mkdtempSync,
  rmSync,
  symlinkSync,
  cpSync,
  mkdirSync,
  readdirSync,
  lstatSync,
  readlinkSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');

const copy = mkdtempSync(join(tmpdir(), 'spillway-generators-'));
const COPIED = [
  'apps',
  'libs',
  'tools',
  'package.json',
  'package-lock.json',
  'nx.json',
  'tsconfig.json',
  'tsconfig.base.json',
  '.swcrc',
  'jest.config.js',
  'jest.preset.js',
  '.prettierrc.json',
];
for (const name of COPIED) cpSync(name, join(copy, name), { recursive: true });
linkModules(resolve('node_modules'), join(copy, 'node_modules'));
const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' };
const run = (...args) => execFileSync(process.execPath, args, { cwd: copy, env, stdio: 'inherit' });
try {
  run('node_modules/nx/dist/bin/nx.js', 'g', 'spillway:source', 'acme-pay');
  run('node_modules/nx/dist/bin/nx.js', 'g', 'spillway:adapter', 'acme-crm');
  run('node_modules/nx/dist/bin/nx.js', 'g', 'spillway:queue', 'fraud-checks');
  run('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json');
  run(
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'sources',
    'workers',
    '-t',
    'acme-pay|accepts what|refuses another|reads the event|does its work|stops when',
  );
  run(
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'adapters',
    '--testPathPatterns',
    'acme-crm|registry',
  );
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** Packages by link to the real ones; ours by relative link, so that they are the copies. */
function linkModules(from, to) {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    if (name === '@spillway') {
      mkdirSync(join(to, name));
      for (const own of readdirSync(source)) symlinkSync(readlinkSync(join(source, own)), join(to, name, own));
    } else if (lstatSync(source).isSymbolicLink()) symlinkSync(readlinkSync(source), join(to, name));
    else if (name !== '.cache') symlinkSync(source, join(to, name));
  }
}
