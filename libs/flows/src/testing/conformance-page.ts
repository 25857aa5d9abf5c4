import type { Scenario } from './features';
import { type KillRecord, killsTable } from './kill-record';

interface Row {
  example: string;
  /** Why it does not come to what its author had in mind. */
  because?: string;
  refused: boolean;
}

/** docs/flows/conformance.md, made by the test run from what it saw, and by the run with kills from what that measured. */
export function conformancePage(rows: Row[], scenarios: Scenario[], kills: KillRecord): string {
  const asWritten = rows.filter(({ because }) => !because).length;
  const table = rows.map(({ example, because, refused }) => {
    return `| ${example} | ${refused ? 'refused' : because ? 'runs, but' : 'as written'} | ${because ?? ''} |`;
  });
  return `# Conformance

Made by \`libs/flows/src/engine/examples.spec.ts\`; a test fails when it is out of date (\`UPDATE_DOCS=1 npm test\` writes it).

## The conformance kit

It has ${scenarios.length} scenarios. Tests run each in memory (\`libs/flows/src/engine/conformance.spec.ts\`) and through the queues on PostgreSQL
and on Redis (\`apps/spillway/test/flows-conformance.spec.ts\`), and fail when one comes out otherwise than the kit says. The kit calls
petstore.swagger.io and httpbin.org; local stand-ins answer in their place.

All scenarios at once through the queues, while worker processes are killed (-9) at random moments, as \`npm run chaos:conformance\`
last measured it, or the short form of it in the tests:

${killsTable(kills)}

${scenarios.map(({ feature, name }) => `- ${feature}: ${name}`).join('\n')}

## The examples of the specification

Commit d758f0b of serverlessworkflow/specification. Each is linted and run by the engine in memory, its calls answered by
stand-ins: ${asWritten} of ${rows.length} come to what they were written for.

| example | outcome | why |
|---|---|---|
${table.join('\n')}
`;
}
