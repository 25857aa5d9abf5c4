/**
 * Whether a row of `jobs` is of a job that goes on. Of a run that has ended nothing is open, though it may not have been told
 * yet; and what was lost on the way is never told.
 */
export const IS_OPEN_JOB = `(jobs.state = 'queued'
  and not exists (select from runs of_job where of_job.id = jobs.run_id and of_job.ended_at is not null))`;
