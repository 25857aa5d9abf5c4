import { hide, maskPayloads } from '../access/mask';

/** What of the board's API holds no jobs, or jobs whose payloads {@link maskBoard} knows to find. */
const MASKABLE = [
  '/api/queues',
  '/api/queues/:queueName/:jobId',
  '/api/queues/:queueName/metrics',
  '/api/queues/:queueName/workers',
  '/api/queues/:queueName/rate-limit',
  '/api/queues/:queueName/default-job-options',
  '/api/redis/stats',
  '/api/metrics/history',
  '/api/metrics/history/usage',
  '/api/metrics/latency',
];

/** Of those, what shows jobs; and what shows them, too, but not to viewers. */
const SHOWING = [
  '/api/queues/:queueName/:jobId',
  '/api/queues/:queueName/:jobId/logs',
  '/api/queues/:queueName/:jobId/flow',
  '/api/job-schedulers',
];

/** @param route as it is registered, below the board's path */
export function isMaskable(route: string): boolean {
  return !route.startsWith('/api/') || MASKABLE.includes(route);
}

/** Whose payloads a request to the board shows; undefined for none. */
export function shownBy(route: string, query: unknown): boolean {
  return (
    SHOWING.includes(route) || (route === '/api/queues' && Boolean((query as { activeQueue?: string }).activeQueue))
  );
}

interface BoardAnswer {
  queues?: { jobs?: unknown[] }[];
  job?: unknown;
}

/** The board's answers without what is in the jobs. */
export function maskBoard(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  const { queues, job, ...rest } = answer as BoardAnswer;
  return {
    ...rest,
    ...(queues && { queues: queues.map((queue) => ({ ...queue, jobs: queue.jobs?.map(maskJob) })) }),
    ...(job !== undefined && { job: maskJob(job) }),
  };
}

function maskJob(job: unknown): unknown {
  if (typeof job !== 'object' || job === null) return hide(job);
  return maskPayloads(job, () => false).value;
}
