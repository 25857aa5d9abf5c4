/** Children of a parent, and branches of the fork that stands beside it. */
export const CHILDREN = 10;

export const TENANT = 'bench';

/** The flows of the benchmark, each of whose steps calls the sink and waits for its answer. */
export function flows(sink: string): Record<string, object> {
  const call = (step: number | string) => ({
    call: 'http',
    with: { method: 'post', endpoint: `${sink}/step`, body: { id: '${ $workflow.id }', step } },
  });
  return {
    three: { do: [{ one: call(1) }, { two: call(2) }, { three: call(3) }] },
    fork: {
      do: [
        {
          all: { fork: { branches: Array.from({ length: CHILDREN }, (_, n) => ({ [`step${n}`]: call(n) })) } },
        },
      ],
    },
    long: {
      do: [
        {
          each: {
            for: { each: 'n', in: '${ [range($workflow.input.data.steps)] }' },
            do: [{ step: call('${ $n }') }],
          },
        },
      ],
      output: { as: '${ null }' },
    },
    fan: {
      do: [
        {
          list: {
            set: { n: 0 },
            export: { as: '{ items: [range($workflow.input.data.steps) | { id: ., price: . * 2 }], done: [] }' },
          },
        },
        {
          each: {
            for: { each: 'item', in: '$context.items' },
            metadata: { parallel: 20 },
            do: [
              {
                step: {
                  ...call('${ $item.id }'),
                  output: { as: '{ ok: true, id: $item.id }' },
                  export: { as: '$context + { done: ($context.done + [$output]) }' },
                },
              },
            ],
          },
        },
      ],
      output: { as: '$context.done | length' },
    },
    timer: { do: [{ rest: { wait: { days: 30 } } }] },
    nap: { do: [{ rest: { wait: { seconds: 2 } } }] },
    listener: {
      do: [
        {
          hear: {
            listen: {
              to: {
                one: {
                  with: { type: 'bench.reply' },
                  correlate: { mark: { from: '.data.mark', expect: '${ $workflow.input.data.mark }' } },
                },
              },
            },
          },
        },
      ],
    },
    other: { do: [{ hear: { listen: { to: { one: { with: { type: 'bench.other' } } } } } }] },
  };
}
