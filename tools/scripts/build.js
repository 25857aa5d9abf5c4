// `npm run build`: every app and lib through SWC into dist/, laid out so that Node resolves @spillway/* there without
// the sources: dist/apps/<app>/src/main.js and dist/node_modules/@spillway/<lib>.
'use strict';
const { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');
const { transformFileSync } = require('@swc/core');

const swc = { ...JSON.parse(readFileSync('.swcrc', 'utf8')), swcrc: false, configFile: false };
const TESTS = /\.spec\.ts$|\/testing\//;

rmSync('dist', { recursive: true, force: true });
let files = 0;
for (const [folder, target] of [
  ['libs', (name) => join('dist/node_modules/@spillway', name)],
  ['apps', (name) => join('dist/apps', name)],
]) {
  for (const name of readdirSync(folder)) {
    const root = join(folder, name);
    if (!existsSync(join(root, 'package.json')) || name === 'testing') continue;
    compile(root, target(name));
  }
}
console.log(`built ${files} files into dist/`);

function compile(root, target) {
  const { nx: _nx, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (manifest.exports) manifest.exports = { '.': './src/index.js' };
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  if (existsSync(join(root, 'bin'))) cpSync(join(root, 'bin'), join(target, 'bin'), { recursive: true });
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    if (entry.isFile() && source.endsWith('.json') && !TESTS.test(source)) {
      cpSync(source, join(target, relative(root, source)), { recursive: true });
      continue;
    }
    if (!entry.isFile() || !source.endsWith('.ts') || TESTS.test(source)) continue;
    const output = join(target, relative(root, source)).replace(/\.ts$/, '.js');
    const { code, map } = transformFileSync(source, { ...swc, sourceFileName: relative(dirname(output), source) });
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, `${code}\n//# sourceMappingURL=${entry.name.replace(/\.ts$/, '.js.map')}\n`);
    writeFileSync(`${output}.map`, map);
    files += 1;
  }
}
