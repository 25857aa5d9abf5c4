import { execFile } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(__dirname, '../../bin/spillway.js');

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs `spillway` as a process of its own, in a folder and with an environment that are known when it is called. */
export function commandLine(where: () => { directory: string; environment: Record<string, string> }) {
  return (args: string[], more: Record<string, string> = {}): Promise<Ended> => {
    const { directory, environment } = where();
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment, ...more };
    return new Promise((resolve) => {
      execFile(process.execPath, [BIN, ...args], { env, cwd: directory }, (error, out, err) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err });
      });
    });
  };
}
