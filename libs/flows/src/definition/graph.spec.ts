import fc from 'fast-check';
import { Window } from 'happy-dom';
import { EXAMPLES } from '../testing/specification/examples';
import { parseFlow, toMermaid } from '.';

interface Graph {
  getEdges(): { start: string; end: string; text: string; stroke: string }[];
  getVertices(): Map<string, { type: string }>;
  getSubGraphs(): { id: string; nodes: string[] }[];
}

/** Mermaid's own reading of a drawing. It wants a DOM, if only to clean labels; happy-dom is enough. */
let read: (text: string) => Promise<Graph>;

beforeAll(async () => {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document });
  const { default: mermaid } = await import('mermaid');
  read = async (text) => {
    await mermaid.parse(text);
    return (await mermaid.mermaidAPI.getDiagramFromText(text)).db as unknown as Graph;
  };
});

afterAll(() => {
  Reflect.deleteProperty(globalThis, 'window');
  Reflect.deleteProperty(globalThis, 'document');
});

/** Arrows as Mermaid reads them, with the first line of labels for ids: `a -> b`, `a -label-> b`, `a ..label..> b`. */
async function arrowsOf(text: string): Promise<string[]> {
  const names = new Map(
    [...text.matchAll(/^ *(?:subgraph )?(\w+)\W+"(.*?)(?:<br\/>.*)?"\W+$/gm)].map(([, id, name]) => [id!, name!]),
  );
  const graph = await read(text);
  return graph.getEdges().map(({ start, end, text: label, stroke }) => {
    const [from, to] = [names.get(start), names.get(end)];
    if (stroke === 'dotted') return `${from} ..${plain(label)}..> ${to}`;
    return label ? `${from} -${plain(label)}-> ${to}` : `${from} -> ${to}`;
  });
}

/** Mermaid keeps character codes in this form until it draws. */
const plain = (label: string) => label.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)));

const draw = (tasks: string) => toMermaid(parseFlow(`do:\n${tasks}`).definition);
const example = (file: string) => toMermaid(parseFlow(EXAMPLES.find((one) => one.file === file)!.text).definition);

describe('a drawing is accepted by Mermaid', () => {
  it.each(EXAMPLES)('$file', async ({ text }) => {
    const { definition } = parseFlow(text);
    const graph = await read(toMermaid(definition));
    expect(graph.getEdges().length).toBeGreaterThan(0);
    const drawn = new Set(graph.getEdges().flatMap(({ start, end }) => [start, end]));
    for (const id of graph.getVertices().keys()) expect(drawn).toContain(id);
  });

  it('whatever the names and expressions are, and shows them as they are', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'end',
        'subgraph',
        '%%{init: {}}%%',
        'style a: #b;',
        '#quot;',
        '`x`',
        '---',
        'a --> b',
        '"]',
        '<br/>',
        'click n1 href "x"',
        'graph TD',
      ),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (name, when) => {
        const cases = [{ [name]: { when, then: 'end' } }, { rest: { then: 'end' } }];
        const definition = { do: [{ [name]: { do: [{ choose: { switch: cases } }] } }] };
        const arrows = (await read(toMermaid(definition))).getEdges();
        const shown = `${name}, if ${when}`
          .toWellFormed()
          .replace(/[\s\p{Cc}]+/gu, ' ')
          .trim();
        const cut = [...shown].length > 80 ? `${[...shown].slice(0, 79).join('')}…` : shown;
        expect(arrows.map((arrow) => plain(arrow.text).trim())).toEqual([cut, 'rest', '']);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a drawing has an arrow', () => {
  it('from each task to the next', async () => {
    expect(await arrowsOf(draw('  - a: { set: { x: 1 } }\n  - b: { wait: PT1S }\n'))).toEqual([
      'a -> b',
      'start -> a',
      'b -> end',
    ]);
  });

  it('for each case of a switch, with its condition, and for none of them', async () => {
    expect(await arrowsOf(example('switch-then-string.yaml'))).toEqual([
      'processOrder -case1, if .orderType == "electronic"-> processElectronicOrder',
      'processOrder -case2, if .orderType == "physical"-> processPhysicalOrder',
      'processOrder -default-> handleUnknownOrderType',
      'start -> processOrder',
      'processElectronicOrder -> end',
      'processPhysicalOrder -> end',
      'handleUnknownOrderType -> end',
    ]);
    const open = draw(
      '  - a: { switch: [{ big: { when: .x, then: c } }] }\n  - b: { wait: PT1S }\n  - c: { wait: PT1S }\n',
    );
    expect(await arrowsOf(open)).toEqual(['a -big, if .x-> c', 'a -otherwise-> b', 'b -> c', 'start -> a', 'c -> end']);
  });

  it('for jumps: back, out of the list and to the end', async () => {
    const text = draw(
      '  - a: { wait: PT1S, then: c }\n  - b: { do: [{ x: { wait: PT1S, then: exit } }, { y: { wait: PT1S, then: end } }], then: a }\n  - c: { wait: PT1S, then: b }\n',
    );
    expect(await arrowsOf(text)).toEqual(['y -> end', 'a -> c', 'x -> a', 'c -> x', 'start -> a']);
  });

  it('around a condition', async () => {
    expect(await arrowsOf(draw('  - a: { if: .x, wait: PT1S }\n  - b: { wait: PT1S }\n'))).toEqual([
      'if .x -yes-> a',
      'a -> b',
      'if .x -no-> b',
      'start -> if .x',
      'b -> end',
    ]);
  });

  it('into each branch of a fork, and out of it to where they meet', async () => {
    expect(await arrowsOf(example('fork.yaml'))).toEqual([
      'raiseAlarm -> callNurse',
      'callNurse -> the first',
      'raiseAlarm -> callDoctor',
      'callDoctor -> the first',
      'start -> raiseAlarm',
      'the first -> end',
    ]);
  });

  it('from what is tried to the catch, from there to a new try, to the handler, and out', async () => {
    const text = draw(
      [
        '  - a:',
        '      try: [{ b: { wait: PT1S } }, { c: { raise: { error: { type: https://example.com/e, status: 1 } } } }]',
        '      catch: { errors: { with: { status: 503 } }, retry: { delay: PT1S }, do: [{ d: { wait: PT1S } }], then: end }',
        '  - e: { wait: PT1S }',
      ].join('\n'),
    );
    expect(await arrowsOf(text)).toEqual([
      'a ..error..> catch status 503',
      'c ..error..> catch status 503',
      'b -> c',
      'catch status 503 ..retry..> b',
      'catch status 503 ..not caught..> faulted',
      'catch status 503 -caught-> d',
      'd -> end',
      'start -> b',
      'e -> end',
    ]);
  });

  it('from the catch straight on when there is no handler', async () => {
    expect(await arrowsOf(example('try-catch.yaml'))).toContainEqual(
      expect.stringMatching(/^catch type .* -caught-> end$/),
    );
  });

  it('around a loop, and around the events of a subscription', async () => {
    expect(await arrowsOf(example('for.yaml'))).toEqual([
      'checkup -each-> waitForCheckup',
      'waitForCheckup -> checkup',
      'start -> checkup',
      'checkup -done-> end',
    ]);
    expect(await arrowsOf(example('listen-to-any-forever-foreach.yaml'))).toContain(
      'listenToGossips -each event-> postToChatApi',
    );
    expect(await arrowsOf(example('call-asyncapi-subscribe-consume-forever-foreach.yaml'))).toContain(
      'getNotifications -each message-> publishCloudEvent',
    );
  });

  it('from a task to what undoes it', async () => {
    const text = draw('  - a: { wait: PT1S, metadata: { compensate: [{ undo: { call: refund } }] } }\n');
    expect(await arrowsOf(text)).toContain('a ..undone by..> undo call refund');
  });
});

describe('a drawing', () => {
  it('keeps the tasks of a list together', async () => {
    const graph = await read(draw('  - a: { do: [{ b: { wait: PT1S } }, { c: { do: [{ d: { wait: PT1S } }] } }] }\n'));
    const [inner, outer] = graph.getSubGraphs();
    expect(inner!.nodes).toHaveLength(1);
    expect(outer!.nodes).toContain(inner!.id);
    expect(outer!.nodes).toHaveLength(2);
  });

  it('says in each task what it does, and in the start what begins a run', () => {
    const text = toMermaid(
      parseFlow(
        'schedule: { cron: 0 9 * * * }\ndo:\n  - a: { wait: { minutes: 5 } }\n  - b: { run: { workflow: { namespace: n, name: w, version: 1.0.0 } } }\n',
      ).definition,
    );
    expect(text).toBe(
      [
        'flowchart TD',
        '  n1(["start at 0 9 * * *"])',
        '  n2[["a<br/>wait 5 minutes"]]',
        '  n3["b<br/>run n/w 1.0.0"]',
        '  finish(["end"])',
        '  n2 --> n3',
        '  n1 --> n2',
        '  n3 --> finish',
        '',
      ].join('\n'),
    );
  });

  it('of no tasks has nothing between start and end', async () => {
    expect(await arrowsOf(toMermaid({ do: [] }))).toEqual(['start -> nothing', 'nothing -> end']);
  });
});
