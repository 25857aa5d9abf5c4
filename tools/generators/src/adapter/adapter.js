// `nx g spillway:adapter NAME`: an outbound adapter with two capabilities, a fake of its provider, and a spec.
'use strict';
const path = require('node:path');
const { formatFiles, generateFiles } = require('@nx/devkit');
const { insert, names } = require('../edit');

module.exports = async function adapter(tree, { name }) {
  const given = { ...names(name), secret: `${name.replaceAll('-', '_').toUpperCase()}_API_KEY`, tmpl: '' };
  const folder = `libs/adapters/src/${name}`;
  const fake = `libs/testing/src/providers/${name}.ts`;
  if (tree.exists(folder)) throw new Error(`there is a folder "${folder}" already`);
  if (tree.exists(fake)) throw new Error(`there is a fake "${fake}" already`);
  generateFiles(tree, path.join(__dirname, 'files/adapter'), folder, given);
  generateFiles(tree, path.join(__dirname, 'files/fake'), 'libs/testing/src/providers', given);
  insert(
    tree,
    'libs/adapters/src/adapters.ts',
    `import type { AnyAdapter } from './adapter';\n`,
    `import { ${given.camel} } from './${name}/${name}';\n`,
    'after',
  );
  insert(tree, 'libs/adapters/src/adapters.ts', 'export const ADAPTERS = [', `${given.camel}, `, 'after');
  insert(
    tree,
    'libs/testing/src/providers/index.ts',
    `export { FakeProvider, type Asked, type Reply } from './fake-provider';\n`,
    `export { Fake${given.pascal} } from './${name}';\n`,
    'after',
  );
  await formatFiles(tree);
  return () =>
    console.log(
      `\nNow say what ${given.title} really offers in ${folder}/${name}.ts, and answer as it does in ${fake}.\nTest it: npx nx test adapters. How to go on: libs/adapters/README.md`,
    );
};
