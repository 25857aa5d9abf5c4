// `nx g spillway:queue NAME`: a queue in the catalogue, its handler with a spec, its worker role and its app.
'use strict';
const path = require('node:path');
const { formatFiles, generateFiles } = require('@nx/devkit');
const { insert, names } = require('../edit');

module.exports = async function queue(tree, { name }) {
  const given = names(name);
  const handler = `libs/workers/src/handlers/${name}.ts`;
  if (tree.exists(handler)) throw new Error(`there is a queue "${name}" already`);
  insert(tree, 'libs/contracts/src/words.ts', '] as const;\n\nexport type QueueName', `  '${name}',\n`);
  insert(tree, 'libs/contracts/src/words.ts', `  'admin',\n`, `  'worker-${name}',\n`);
  insert(tree, 'libs/queues/src/queues.ts', '  type AnalyticsJob,\n', '  type EventJob,\n', 'after');
  insert(
    tree,
    'libs/queues/src/queues.ts',
    `  'analytics-events': AnalyticsJob;\n`,
    `  '${name}': EventJob;\n`,
    'after',
  );
  insert(tree, 'libs/queues/src/catalogue.ts', '];\n\nexport type Catalogue', entryOf(name));
  insert(tree, 'libs/workers/src/roles.ts', '} as const satisfies', `  'worker-${name}': '${name}',\n`);
  insert(
    tree,
    'libs/workers/src/handlers/index.ts',
    `import { LedgerHandler } from './ledger';\n`,
    `import { ${given.pascal}Handler } from './${name}';\n`,
    'after',
  );
  insert(
    tree,
    'libs/workers/src/handlers/index.ts',
    `    case 'analytics-events':\n`,
    `    case '${name}':\n      return { handler: new ${given.pascal}Handler() as unknown as Handler, close: nothing };\n`,
  );
  generateFiles(tree, path.join(__dirname, 'files/handler'), 'libs/workers/src/handlers', { ...given, tmpl: '' });
  generateFiles(tree, path.join(__dirname, 'files/app'), `apps/worker-${name}`, { ...given, tmpl: '' });
  await formatFiles(tree);
  return () =>
    console.log(
      `\nNow say what its jobs do in ${handler}, and run "npm install" to link the new app.\nTest it: npx nx test workers`,
    );
};

function entryOf(name) {
  return `  {
    name: '${name}',
    attempts: 5,
    backoffMs: SECOND,
    maxBackoffMs: MINUTE,
    timeoutMs: 30 * SECOND,
    concurrency: 20,
  },
`;
}
