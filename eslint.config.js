const nx = require('@nx/eslint-plugin');
const prettier = require('eslint-config-prettier');
const tseslint = require('typescript-eslint');

/** Who may import whom: downwards only (docs/architecture.md). */
const below = {
  'layer:app': [
    'layer:role',
    'layer:intake',
    'layer:composition',
    'layer:feature',
    'layer:platform',
    'layer:config',
    'layer:contracts',
  ],
  'layer:tool': [
    'layer:testing',
    'layer:role',
    'layer:intake',
    'layer:composition',
    'layer:feature',
    'layer:platform',
    'layer:config',
    'layer:contracts',
  ],
  'layer:testing': ['layer:platform', 'layer:config', 'layer:contracts'],
  'layer:role': [
    'layer:intake',
    'layer:composition',
    'layer:feature',
    'layer:platform',
    'layer:config',
    'layer:contracts',
  ],
  'layer:intake': ['layer:composition', 'layer:feature', 'layer:platform', 'layer:config', 'layer:contracts'],
  'layer:composition': ['layer:feature', 'layer:platform', 'layer:config', 'layer:contracts'],
  'layer:feature': ['layer:feature', 'layer:platform', 'layer:config', 'layer:contracts'],
  'layer:platform': ['layer:platform', 'layer:config', 'layer:contracts'],
  'layer:config': ['layer:contracts'],
  'layer:contracts': ['layer:contracts'],
};

const boundaries = (extra = [], more = {}) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allow: [],
    ...more,
    depConstraints: Object.entries(below).map(([sourceTag, onlyDependOnLibsWithTags]) => ({
      sourceTag,
      onlyDependOnLibsWithTags: [...onlyDependOnLibsWithTags, ...extra],
    })),
  },
];

module.exports = tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.spillway/**', '**/files/**', 'tmp/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: __dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { disallowTypeAnnotations: false, fixStyle: 'inline-type-imports' },
      ],
      // An `async` that awaits nothing makes every throw a rejection: wanted at interfaces.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      // It may quote a payload, or a row of the database: give the error itself, whose serializer leaves its message out.
      'no-restricted-syntax': [
        'error',
        ...['log', 'logger'].flatMap((log) =>
          [`[callee.object.name='${log}']`, `[callee.object.property.name='${log}']`].map((callee) => ({
            selector: `CallExpression${callee} CallExpression[callee.name='messageOf']`,
            message: 'An error is logged as { err: error }, without its message.',
          })),
        ),
      ],
    },
  },
  {
    // Tests may use what is made for tests.
    files: ['**/*.spec.ts', '**/test/**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['layer:testing', 'layer:tool'], {
        // The command line loads the platform when a command needs it; its tests need it from the start.
        checkDynamicDependenciesExceptions: ['.*'],
      }),
      'max-lines': 'off',
    },
  },
  {
    // One switch over the grammar, one over the tree, one table of cases: cutting them would not make them clearer.
    files: ['libs/jq/src/testing/cases.ts', 'libs/jq/src/parser.ts', 'libs/jq/src/compile.ts'],
    rules: { 'max-lines': 'off' },
  },
  prettier,
);
