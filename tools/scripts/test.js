// `npm test`: sees to what the tests need beyond npm, then runs them all on Node 24.
'use strict';
const { spawnSync } = require('node:child_process');
const { provide } = require('./provide');

provide([
  { command: 'redis-server', package: 'redis-server' },
  { command: 'chromium', package: 'chromium' },
]);
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const { status } = spawnSync(process.execPath, [...jest, '--maxWorkers=2', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
