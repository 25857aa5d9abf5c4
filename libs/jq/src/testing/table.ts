import { BINARY, OPERATORS, PLAIN, SETUPS, UNARY, USES } from './words';

/** Values with something special about them. */
const SPECIAL = [
  ...[
    'nan',
    'infinite',
    '-infinite',
    '-0',
    '0',
    '-1',
    '1.5',
    '1e300',
    'null',
    'true',
    '""',
    '"a"',
    '"nan"',
    '"\\u0000"',
  ],
  ...['[]', '{}', '[nan]', '[infinite]', '[-infinite]', '[-0]', '[null]', '[true]', '[[]]', '[{}]', '[-1]', '[1.5]'],
  ...[
    '[1114112]',
    '[nan, nan]',
    '[[nan]]',
    '[[0, nan], [0, 1]]',
    '{a: nan}',
    '{a: infinite}',
    '{a: null}',
    '[[1, "a"], []]',
  ],
  ...['[[0]]', '{start: 0, end: 1}', '[range(4)] | .[1:]', '[range(4)] | [.[:1], .[1:2]]', '[[3, 1, 2], [1]]'],
];
const FEW = ['nan', 'infinite', '-1', '0', '2', '1.5', 'null', '"a"', '[]', '[nan]', '{a: nan}'];

/** Every function and operator on values with something special about them: some ninety thousand programs. */
export function table(): string[] {
  const every = [...new Set([...SPECIAL, ...SETUPS])];
  return [
    ...every.flatMap((value) => [...PLAIN, ...USES].map((use) => `(${value}) | ${use}`)),
    ...every.flatMap((left) => SPECIAL.flatMap((right) => OPERATORS.map((op) => `(${left}) ${op} (${right})`))),
    ...SPECIAL.flatMap((value) =>
      [...FEW, '.', '.[0]', '.[]?'].flatMap((one) => UNARY.map((name) => `(${value}) | [limit(5; ${name}(${one}))]`)),
    ),
    ...[...FEW, '[1, 2, 3]'].flatMap((value) =>
      FEW.flatMap((a) => FEW.flatMap((b) => BINARY.map((name) => `(${value}) | [limit(5; ${name}(${a}; ${b}))]`))),
    ),
  ];
}
