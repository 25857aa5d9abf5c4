import { readFileSync, writeFileSync } from 'node:fs';
import { generated } from './generated';

/** `npm run docs`: writes the pages that are made from code; with `--check`, only tells whether they are up to date. */
for (const [file, text] of Object.entries(generated())) {
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is out of date: npm run docs`);
    process.exitCode = 1;
  }
}
