import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of the specification. */
export interface Example {
  file: string;
  text: string;
}

/** The specification's 66 examples. */
export const EXAMPLES = filesIn('examples');

/** Definitions that its own tests refuse. */
export const INVALID = filesIn('fixtures/invalid');

function filesIn(folder: string): Example[] {
  const path = join(__dirname, folder);
  return readdirSync(path)
    .sort()
    .map((file) => ({ file, text: readFileSync(join(path, file), 'utf8') }));
}
