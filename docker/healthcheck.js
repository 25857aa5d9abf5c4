// HEALTHCHECK of the image: asks this container's own process whether it lives. Readiness is the orchestrator's to ask.
'use strict';
const { get } = require('node:http');

const role = process.env.SPILLWAY_ROLES ?? roleOfProcessOne();
const ports = { 'ingress-api': process.env.INGRESS_PORT || 3000, admin: process.env.ADMIN_PORT || 3100 };
const port = ports[role.split(',')[0]] ?? process.env.HEALTH_PORT ?? 9464;

const request = get({ host: '127.0.0.1', port, path: '/health/live', timeout: 2_000 }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
);
request.on('timeout', () => request.destroy(new Error('no answer in 2 s')));
request.on('error', ({ message }) => {
  console.error(`port ${port}: ${message}`);
  process.exit(1);
});

/** The role that the container was started with as its argument. */
function roleOfProcessOne() {
  const { readFileSync } = require('node:fs');
  const words = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
  return words[words.findIndex((word) => word.endsWith('entrypoint.js')) + 1] ?? '';
}
