import { compileTemplate, JqSyntaxError } from './index';

const event = { id: 'e1', data: { amount: 1200, who: { name: 'Ana' } } };

it.each([
  ['plain', 'plain'],
  ['${ .data.amount }', 1200],
  ['${ .data.who }', { name: 'Ana' }],
  ['${ .nope }', null],
  ['id ${ .id }: ${ .data.who }', 'id e1: {"name":"Ana"}'],
  ['$${ .id } stays', '${ .id } stays'],
  ['${ {a: .id} } and ${ "brace } \\("in }") \\(.id)" }', '{"a":"e1"} and brace } in } e1'],
  [
    { a: ['${ .id }', { b: '${ .data.amount + 1 }' }], n: 1, u: undefined },
    { a: ['e1', { b: 1201 }], n: 1 },
  ],
  [null, null],
])('renders %j', (template, expected) => {
  expect(compileTemplate(template).render(event)).toEqual(expected);
});

it('knows the variables it is told of, and no others', () => {
  expect(
    compileTemplate('Bearer ${ $secrets.key }', { variables: ['secrets'] }).render(event, { secrets: { key: 'k' } }),
  ).toBe('Bearer k');
  expect(() => compileTemplate('${ $secrets.key }')).toThrow(JqSyntaxError);
});

it('refuses an expression that is not closed', () => {
  expect(() => compileTemplate('${ .id ')).toThrow('is not closed');
});
