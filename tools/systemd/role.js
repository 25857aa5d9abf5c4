// What spillway@ROLE.service runs: that role of the built files, or all of them in one process.
'use strict';
const { join } = require('node:path');

const dist = join(__dirname, '../../dist/apps');
const [role] = process.argv.splice(2, 1);
if (role === 'all') {
  process.argv.push('start');
  require(join(dist, 'spillway/bin/spillway.js'));
} else {
  require(join(dist, role, 'src/main.js'));
}
