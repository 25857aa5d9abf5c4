/** Properties that people write where they are not, and where they belong. */
const PLACES: Record<string, string> = {
  retry: 'Retries stand under "catch", beside a "try".',
  catch: '"catch" stands beside a "try", which holds the tasks that may fail.',
  while: '"while" stands beside "for", not in it.',
  do: '"do" stands beside "for", not in it.',
  foreach: '"foreach" stands beside "listen", not in it.',
  timeout: '"timeout" stands at the task itself: timeout: { after: PT30S }.',
  authentication: '"authentication" stands in "endpoint": { uri: https://example.com, authentication: … }.',
  correlate: '"correlate" stands beside the "with" of an event: one: { with: …, correlate: … }.',
  type: 'What an event or an error is to be like stands under "with".',
  status: 'What an error is to be like stands under "with".',
  headers: '"headers" stands in "with".',
  body: '"body" stands in "with".',
};
for (const key of ['compensate', 'priority', 'idempotencyKey', 'callback', 'parallel'])
  PLACES[key] = `"${key}" stands under "metadata" of the task.`;

/** What to do about a property that is not known here, where that can be told without a guess. */
export function placeFor(key: string, names: readonly string[]): string | undefined {
  if (key === 'when' && names.includes('if')) return 'Write "if".';
  return Object.hasOwn(PLACES, key) ? PLACES[key] : undefined;
}
