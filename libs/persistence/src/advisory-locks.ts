/** The advisory locks of an installation by what they are for, all in one place: two uses of one number wait for each other. */
export const ADVISORY_LOCKS = {
  maintenance: 7_245_101,
  runs: 7_245_102,
  'kept events': 7_245_103,
  'tenant role': 7_245_104,
  'lanes of ingress-events': 7_245_110,
  'lanes of orchestration-flows': 7_245_111,
  'lanes of integration-tasks': 7_245_112,
  'lanes of notifications': 7_245_113,
  outbox: 7_245_120,
  gauges: 7_245_190,
} as const;
