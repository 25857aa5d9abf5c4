// `npm run check:dist`: the built files start on their own, take a webhook and do it, and stacks name the sources.
'use strict';
const { spawn, execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const directory = mkdtempSync(join(tmpdir(), 'spillway-dist-'));
const env = {
  ...process.env,
  SPILLWAY_DIR: directory,
  INGRESS_PORT: '3900',
  ADMIN_PORT: '3901',
  DEMO_PORT: '3902',
  NODE_OPTIONS: '',
};
/** Loads everything, and has a library complain. */
const SHOW_STACK = `
const [, runtime] = require('./dist/start.js').start('load');
runtime.migratePlatform({ database: {} }).catch((error) => console.log(error.stack));
`;
const bin = 'dist/apps/spillway/bin/spillway.js';
const stack = execFileSync(process.execPath, ['-e', SHOW_STACK], { encoding: 'utf8' });
if (!/libs\/runtime\/src\/platform\.ts:\d+/.test(stack)) throw new Error(`a stack names no source: ${stack}`);

const child = spawn(process.execPath, [bin, 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
let ended = false;

child.stdout.on('data', (data) => {
  output += data;
  if (output.includes('Spillway is ready') && !ended) {
    ended = true;
    let failed;
    try {
      const cli = (...args) => execFileSync(process.execPath, [bin, ...args], { env, encoding: 'utf8' });
      console.log(cli('send', '--provider', 'stripe', '--count', '3').trim());
    } catch (error) {
      failed = error;
    }
    child.once('exit', (code) => {
      rmSync(directory, { recursive: true, force: true });
      if (failed || code !== 0) throw failed ?? new Error(`it ended with ${code}`);
      console.log('dist/ starts, takes webhooks and stops');
    });
    child.kill('SIGTERM');
  }
});
child.once('exit', () => {
  if (!ended) {
    console.error(output);
    process.exitCode = 1;
  }
});
