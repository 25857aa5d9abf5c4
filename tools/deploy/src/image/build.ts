import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, matchesGlob, relative } from 'node:path';
import { type Instruction, pairsOf, parseDockerfile, type Stage } from './dockerfile';

/** What an image is, once its Dockerfile was carried out without Docker. */
export interface Image {
  /** The folder that is `/app` in the image. */
  app: string;
  environment: Record<string, string>;
  entrypoint: string[];
  healthcheck: string[];
  uid: number;
  gid: number;
  labels: Record<string, string>;
  stopSignal: string;
  base: string;
}

/**
 * Carries out a Dockerfile in a folder: copies what it copies (less what .dockerignore keeps out) and runs what it runs,
 * each stage in a folder of its own. It knows the instructions that ours has, and fails at others.
 *
 * @param context the folder that is handed to `docker build`
 */
export function carryOut(dockerfile: string, context: string, target: string): Image {
  const stages = parseDockerfile(readFileSync(dockerfile, 'utf8'));
  const ignored = ignoreRule(readFileSync(join(context, '.dockerignore'), 'utf8'));
  const roots = new Map<string, string>();
  let image: Image | undefined;
  stages.forEach((stage, index) => {
    const root = join(target, stage.name ?? `stage-${index}`);
    if (stage.name) roots.set(stage.name, root);
    image = carryOutStage(stage, root, { context, ignored, roots });
  });
  return image!;
}

interface Surroundings {
  context: string;
  ignored: (path: string) => boolean;
  roots: ReadonlyMap<string, string>;
}

function carryOutStage(stage: Stage, root: string, around: Surroundings): Image {
  let folder = root;
  const image: Image = {
    app: root,
    environment: {},
    entrypoint: [],
    healthcheck: [],
    uid: 0,
    gid: 0,
    labels: {},
    stopSignal: 'SIGTERM',
    base: stage.from,
  };
  const list = (rest: string) => JSON.parse(rest.slice(rest.indexOf('['))) as string[];
  for (const instruction of stage.instructions) {
    const { name, rest } = instruction;
    if (name === 'WORKDIR') {
      folder = image.app = join(root, rest);
      mkdirSync(folder, { recursive: true });
    } else if (name === 'COPY') copy(instruction, folder, around);
    else if (name === 'RUN') {
      console.log(`RUN ${rest}`);
      execFileSync('sh', ['-c', rest], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    } else if (name === 'ENV') Object.assign(image.environment, pairsOf(rest));
    else if (name === 'LABEL') Object.assign(image.labels, pairsOf(rest));
    else if (name === 'USER') [image.uid, image.gid] = rest.split(':').map(Number) as [number, number];
    else if (name === 'ENTRYPOINT') image.entrypoint = list(rest);
    else if (name === 'HEALTHCHECK') image.healthcheck = list(rest);
    else if (name === 'STOPSIGNAL') image.stopSignal = rest;
    else if (name !== 'EXPOSE') throw new Error(`check:image does not know ${name}: teach ${__filename}`);
  }
  return image;
}

function copy({ flags, rest }: Instruction, folder: string, { context, ignored, roots }: Surroundings): void {
  const sources = rest.split(/\s+/);
  const destination = sources.pop()!;
  const from = flags['from'] === undefined ? context : roots.get(flags['from'])!;
  const kept = (path: string) => flags['from'] !== undefined || !ignored(relative(context, path));
  for (const source of sources) {
    const path = join(from, source);
    const isFolder = statSync(path).isDirectory();
    // As Docker does it: a folder's contents, a file under its own name.
    const to = join(folder, destination, isFolder ? '' : basename(source));
    if (!isFolder && !kept(path)) throw new Error(`.dockerignore keeps out ${source}, which the Dockerfile copies`);
    cpSync(path, to, { recursive: true, filter: (one) => statSync(one).isDirectory() || kept(one) });
  }
}

/** Docker's rule: the last pattern that matches a file or a folder above it decides. */
function ignoreRule(text: string): (path: string) => boolean {
  const patterns = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return (path) => {
    const parts = path.split('/');
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    return patterns.reduce((ignored, line) => {
      const pattern = line.replace(/^!/, '');
      return prefixes.some((prefix) => matchesGlob(prefix, pattern)) ? !line.startsWith('!') : ignored;
    }, false);
  };
}
