// dist/start.js: the way into the bundle.
'use strict';
const { enableCompileCache } = require('node:module');
const { join } = require('node:path');

// What V8 makes of the bundle is made with it (build.js), so that no process need compile it.
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(__dirname, 'cache'));
// Stacks name the sources.
process.setSourceMapsEnabled(true);

/** @param name of an app, or of another entry of the bundle */
exports.start = (name) => require('./spillway.js')[name]();
