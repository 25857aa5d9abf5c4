/** One line of a Dockerfile, its continuations joined. */
export interface Instruction {
  name: string;
  /** `--from=build` and the like. */
  flags: Record<string, string>;
  rest: string;
}

export interface Stage {
  name?: string;
  /** The image or stage it begins with. */
  from: string;
  instructions: Instruction[];
}

/** The stages of a Dockerfile, with the defaults of its ARGs put in. Pure: nothing is read or run. */
export function parseDockerfile(text: string): Stage[] {
  const args: Record<string, string> = {};
  const fill = (value: string) => value.replace(/\$\{(\w+)\}/g, (whole, name: string) => args[name] ?? whole);
  const stages: Stage[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === 'ARG') {
      const [name, value] = instruction.rest.split('=', 2);
      if (value !== undefined) args[name!] = value;
    } else if (instruction.name === 'FROM') {
      const [from, , name] = instruction.rest.split(/\s+/);
      stages.push({ from: fill(from!), name, instructions: [] });
    } else {
      stages.at(-1)!.instructions.push({ ...instruction, rest: fill(instruction.rest) });
    }
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, given, rest] = /^(\w+)\s+((?:--\S+\s+)*)(.*)$/.exec(line.trim())!;
      const flags = given!.trim() === '' ? [] : given!.trim().split(/\s+/);
      const pairs = flags.map((flag): [string, string] => {
        const [key, value = ''] = flag.slice(2).split(/=(.*)/);
        return [key!, value];
      });
      return { name: name!.toUpperCase(), flags: Object.fromEntries(pairs), rest: rest! };
    });
}

/** `NAME=value` pairs of ENV and LABEL, values in quotes or not. */
export function pairsOf(rest: string): Record<string, string> {
  const pairs = [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)];
  return Object.fromEntries(pairs.map(([, name, quoted, plain]) => [name!, quoted ?? plain!]));
}
