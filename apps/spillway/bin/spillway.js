#!/usr/bin/env node
// Runs the sources (through SWC) in a checkout, the built files in an image. Node 24 comes with `npm ci`.
'use strict';
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { join } = require('node:path');

const OLDEST_NODE = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  const node = join(__dirname, '../../../node_modules/.bin/node');
  if (!existsSync(node)) {
    console.error(`spillway needs Node ${OLDEST_NODE}: run "npm ci" in its folder, which brings it`);
    process.exit(1);
  }
  // Signals reach the whole group; the child decides when it ends.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  const { status } = spawnSync(node, [__filename, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const built = join(__dirname, '../src/main.js');
if (existsSync(built)) {
  require(built);
} else {
  // What V8 made of the files is kept for the next start, in the system's folder for temporary files or NODE_COMPILE_CACHE.
  enableCompileCache();
  // The sources' own settings, wherever it is called from.
  process.env.SWC_NODE_PROJECT ??= join(__dirname, '../../../tsconfig.json');
  require('@swc-node/register');
  require('../src/main.ts');
}
