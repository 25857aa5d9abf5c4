// `nx g spillway:source NAME`: a provider that signs with HMAC-SHA256 over the body, in the registry and under test.
'use strict';
const path = require('node:path');
const { formatFiles, generateFiles } = require('@nx/devkit');
const { insert, names } = require('../edit');

module.exports = async function source(tree, { name }) {
  const given = names(name);
  const folder = `libs/sources/src/${name}`;
  if (tree.exists(folder)) throw new Error(`there is a provider "${name}" already`);
  generateFiles(tree, path.join(__dirname, 'files'), folder, { ...given, tmpl: '' });
  insert(
    tree,
    'libs/sources/src/providers.ts',
    `import type { Provider } from './provider';`,
    `import { ${given.camel} } from './${name}/${name}';\n`,
  );
  insert(tree, 'libs/sources/src/providers.ts', '] as Provider[];', `  ${given.camel},\n`);
  insert(
    tree,
    'libs/sources/src/conformance.spec.ts',
    'const SIGNED: Record<string, Signed> = {\n',
    `  '${name}': { body: 'all', headers: ['x-${name}-signature'] },\n`,
    'after',
  );
  await formatFiles(tree);
  return () =>
    console.log(
      `\nNow say what ${given.title} really signs in ${folder}/${name}.ts, and add it to libs/sources/README.md.\nTest it: npx nx test sources`,
    );
};
