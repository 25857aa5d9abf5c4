import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { run } from '../../src/program';

/** What `npm test` has built just now, or the sources. */
const BUILT = process.env['SPILLWAY_BUILT'] === 'yes' ? 'dist/' : '';
const BIN = join(__dirname, '../../../..', `${BUILT}apps/spillway/bin/spillway.js`);

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** The folder and the environment of a command; asked for when it is called. */
export type Where = () => { directory: string; environment: Record<string, string> };

/** Runs `spillway` as a process of its own: for what a process is needed for, as each takes seconds to start. */
export function processLine(where: Where) {
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

/** The same in this process, which has loaded everything already. One at a time: they share what a process has once. */
export function commandLine(where: Where) {
  return async (args: string[], more: Record<string, string> = {}): Promise<Ended> => {
    const { directory, environment } = where();
    const before = { env: { ...process.env }, folder: process.cwd(), code: process.exitCode };
    const ended: Ended = { code: 0, out: '', err: '' };
    const spies = [
      jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((ended.out += String(text)))),
      jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((ended.err += String(text)))),
    ];
    setEnvironment({ PATH: before.env['PATH'], HOME: before.env['HOME'], ...environment, ...more });
    process.chdir(directory);
    process.exitCode = 0;
    try {
      await run(args);
      ended.code = Number(process.exitCode ?? 0);
    } finally {
      for (const spy of spies) spy.mockRestore();
      process.exitCode = before.code;
      process.chdir(before.folder);
      setEnvironment(before.env);
    }
    return ended;
  };
}

function setEnvironment(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
  Object.assign(process.env, variables);
}
