// `npm run build`: dist/spillway.js, the bundle of every app; dist/apps/<app>/src/main.js, which starts that app from it; and
// what is started by its path. docs/adr/0012-one-bundle.md.
'use strict';
const { execFileSync } = require('node:child_process');
const { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');
const { bundle } = require('./bundle');

const BIN = 'apps/spillway/bin';

/** @param from of which file @param name of what the bundle has */
function start(from, name) {
  const to = join('dist', from);
  mkdirSync(dirname(to), { recursive: true });
  const way = `./${relative(dirname(to), 'dist/start.js')}`;
  writeFileSync(to, `'use strict';\nrequire('${way}').start('${name}');\n`);
}

async function main() {
  rmSync('dist', { recursive: true, force: true });
  const apps = readdirSync('apps').filter((name) => existsSync(join('apps', name, 'src/main.ts')));
  const files = await bundle(apps);
  for (const app of apps) start(`apps/${app}/src/main.js`, app);
  start('isolation.js', 'isolation');
  cpSync(BIN, join('dist', BIN), { recursive: true });
  cpSync('tools/scripts/start.js', 'dist/start.js');
  // Whatever the folders above are.
  writeFileSync('dist/package.json', '{ "private": true, "type": "commonjs" }\n');
  // A cache that a process writes has what that process came to need; this one has what every process needs.
  execFileSync(process.execPath, ['-e', "require('./dist/start.js').start('load')"], { stdio: 'inherit' });
  console.log(`built ${apps.length} apps from ${files} files into dist/`);
}

main().catch((error) => {
  console.error(error.errors ? error.message : error);
  process.exitCode = 1;
});
