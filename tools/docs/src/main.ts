import { readFileSync, writeFileSync } from 'node:fs';
import { generated } from './generated';
import { brokenLinks } from './links';

/**
 * `npm run docs`: writes the pages that are made from code; with `--check`, only tells whether they are up to date. Either
 * way it tells which links of the documents lead nowhere.
 */
const problems: string[] = [];
for (const [file, text] of Object.entries(generated())) {
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) problems.push(`${file} is out of date: npm run docs`);
}
problems.push(...brokenLinks());
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
