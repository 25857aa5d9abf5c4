// `npm test`: sees to what the tests need beyond npm, builds what they start as processes, then runs them all on Node 24. The
// last line says what came of it: `N passed, N failed`, and `, N skipped` if any were.
'use strict';
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { provide } = require('./provide');

provide([
  { command: 'redis-server', package: 'redis-server' },
  { command: 'chromium', package: 'chromium' },
]);
// A process of the sources compiles them all at its start.
const built = spawnSync(process.execPath, [join(__dirname, 'build.js')], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);

const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const folder = mkdtempSync(join(tmpdir(), 'spillway-tests-'));
const totals = join(folder, 'totals.json');
const reporters = ['--reporters=default', `--reporters=${join(__dirname, 'totals-reporter.js')}`];
const { status } = spawnSync(process.execPath, [...jest, '--maxWorkers=2', ...reporters, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    SPILLWAY_BUILT: 'yes',
    SPILLWAY_TEST_TOTALS: totals,
    SPILLWAY_TEST_POSTGRES: join(folder, 'postgres'),
  },
});
console.log(lastLine());
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);

function lastLine() {
  try {
    const { passed, failed, skipped } = JSON.parse(readFileSync(totals, 'utf8'));
    return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  } catch {
    // It did not come to an end.
    return '0 passed, 1 failed';
  }
}
