// The image's one entry. `docker run IMAGE worker-ingress` (or SPILLWAY_ROLES=worker-ingress) plays that role, several
// roles with commas; anything else goes to the command line: `docker run IMAGE migrate`, `… apply -f /documents`.
'use strict';
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

// Node is process 1 here, to which signals without a handler do nothing: a process that is still starting would have to
// be killed. Once a role has started, its own handlers take the place of these, and drain.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.on(signal, () => process.exit(128 + number));
}

const apps = join(__dirname, 'apps');
const isRole = (name) => name !== 'spillway' && existsSync(join(apps, name, 'src/main.js'));
const [given, ...more] = process.argv.slice(2);
const wanted = given ?? process.env.SPILLWAY_ROLES;

if (!wanted) {
  const roles = readdirSync(apps).filter(isRole);
  console.error(`say which role this container plays, or a command: ${roles.join(', ')}, migrate, doctor, …`);
  process.exit(64);
} else if (isRole(wanted) && more.length === 0) {
  require(join(apps, wanted, 'src/main.js'));
} else {
  if (wanted.split(',').every(isRole)) process.argv.splice(2, 1, 'start', '--roles', wanted);
  require(join(apps, 'spillway/bin/spillway.js'));
}
