// `npm run check:alerts`: the alert rules parse, each fires on what it is for, none fires when all is well, and each has
// its runbook.
'use strict';
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');
const { provide } = require('./provide');

const root = join(__dirname, '../..');
const file = join(root, 'k8s/spillway/files/alerts.yaml');

provide([{ command: 'promtool', package: 'prometheus' }]);
run('check', 'rules', file);
run('test', 'rules', join(root, 'k8s/alerts.test.yaml'));

const rules = parse(readFileSync(file, 'utf8')).groups.flatMap((group) => group.rules);
const tested = readFileSync(join(root, 'k8s/alerts.test.yaml'), 'utf8');
const problems = rules.flatMap(({ alert, annotations }) => [
  ...(existsSync(join(root, annotations.runbook)) ? [] : [`${alert}: there is no ${annotations.runbook}`]),
  ...(tested.includes(`name: ${alert} fires`) ? [] : [`${alert}: no test makes it fire`]),
]);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${rules.length} alerts, each tested and with a runbook`);

function run(...words) {
  const { status } = spawnSync('promtool', words, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
