import { providerNamed } from '@spillway/sources';
import type { Platform } from '@spillway/runtime';
import type { Started } from './commands/start';

/** What to do now: where webhooks go, with a line to try it, and where to look. */
export function firstScreen(platform: Platform, { ingressUrl, operations }: Started, tookMs: number): string {
  const { config, queues } = platform;
  const lines = ['', `  Spillway is ready (${(tookMs / 1_000).toFixed(1)} s)`, ''];
  const records = config.database.url ? 'PostgreSQL' : `embedded PostgreSQL in ${config.directory}`;
  lines.push(`  Queues    ${queues.backend.kind === 'redis' ? 'Redis' : 'PostgreSQL'}, records in ${records}`);
  if (ingressUrl) lines.push(`  Webhooks  ${ingressUrl}/v1/in/{tenant}/{source}`);
  if (operations) {
    const { user, password } = operations.access;
    lines.push(`  Admin     ${operations.url}/queues`);
    // One that was given is known to who gave it, and this screen ends up in logs.
    const shown = config.admin.password ? 'the ADMIN_PASSWORD you gave' : password;
    lines.push(shown ? `  Log in    ${user} / ${shown}` : '  Log in    set ADMIN_PASSWORD to make the first user');
  }
  if (ingressUrl && operations && config.demo) {
    lines.push('', '  Send a signed webhook to the demo tenant:', '', ...curlLines(ingressUrl), '');
    lines.push('  Or let Spillway sign one:   npx spillway send --provider github');
    lines.push('  Watch events:               npx spillway tail');
    lines.push(`  See what the demo did:      http://localhost:${config.demoPort}`);
  }
  return `${lines.join('\n')}\n\n`;
}

/** GitHub's signature has no time in it, so the line works whenever it is pasted; once, for then it is a duplicate. */
function curlLines(ingressUrl: string): string[] {
  const provider = providerNamed('github')!;
  const sample = provider.sample('issues.opened', `first-${Date.now().toString(36)}`);
  const url = `${ingressUrl}/v1/in/demo/github`;
  const signed = provider.sign(sample, { url, keys: provider.demoKeys(), options: {}, now: Date.now() });
  const headers = { 'content-type': sample.contentType, ...sample.headers, ...signed.headers };
  return [
    `  curl -i ${url} \\`,
    ...Object.entries(headers).map(([name, value]) => `    -H '${name}: ${value}' \\`),
    `    -d '${signed.body}'`,
  ];
}
