/** The backend did not answer in time, or not well enough: what became of the jobs is not known. */
export class LateError extends Error {}
