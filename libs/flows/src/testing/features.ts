import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A scenario of the specification's conformance kit. */
export interface Scenario {
  feature: string;
  name: string;
  definition: unknown;
  input: unknown;
  /** What follows "Then". */
  expectations: { text: string; value?: unknown }[];
}

const FOLDER = join(__dirname, 'specification', 'ctk');

/** Reads the kit's Gherkin, of which it uses little: one definition, one input, expectations with a YAML value each. */
export function readScenarios(): Scenario[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.feature'))
    .sort()
    .flatMap((file) => {
      const [, ...scenarios] = readFileSync(join(FOLDER, file), 'utf8').split(/^\s*Scenario:/m);
      return scenarios.map((text) => readScenario(file.replace('.feature', ''), text));
    });
}

function readScenario(feature: string, text: string): Scenario {
  const [name = '', ...lines] = text.split('\n');
  const scenario: Scenario = { feature, name: name.trim(), definition: undefined, input: {}, expectations: [] };
  for (const { step, value } of steps(lines)) {
    if (step.startsWith('Given a workflow with definition')) scenario.definition = value;
    else if (step.includes('given the workflow input is')) scenario.input = value;
    else if (/^(Then|And) /.test(step)) scenario.expectations.push({ text: step.replace(/^(Then|And) /, ''), value });
  }
  return scenario;
}

function steps(lines: string[]): { step: string; value?: unknown }[] {
  const found: { step: string; value?: unknown }[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!.trim();
    if (line.startsWith('"""')) {
      const end = lines.findIndex((other, index) => index > at && other.trim() === '"""');
      found.at(-1)!.value = parse(lines.slice(at + 1, end).join('\n'));
      at = end;
    } else if (/^(Given|When|Then|And) /.test(line)) found.push({ step: line });
  }
  return found;
}
