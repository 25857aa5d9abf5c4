import { CompiledFlow } from '../engine/compiled-flow';
import type { CallCommand, Command, Node } from '../engine/state';
import { lasting, subRunsOf } from './lasting';

const call = (node: number): CallCommand => ({ kind: 'call', node, path: '', call: 'http', with: {}, input: null });
const listen = (node: number): Command => ({ kind: 'listen', node, filters: [] });
const forget = (node: number): Command => ({ kind: 'forget', node });

describe('what a step asks for in the end', () => {
  it('is nothing where it asked and took back itself', () => {
    expect(lasting([call(5), call(6), forget(5)], 5)).toEqual([call(6)]);
  });

  it('takes back what an earlier step asked for', () => {
    expect(lasting([forget(3), call(5)], 5)).toEqual([forget(3), call(5)]);
  });

  it('takes back an older subscription that was begun again and dropped, once', () => {
    expect(lasting([forget(3), listen(3)], 5)).toEqual([forget(3), listen(3)]);
    expect(lasting([listen(3), forget(3)], 5)).toEqual([forget(3)]);
    expect(lasting([forget(3), listen(3), forget(3)], 5)).toEqual([forget(3)]);
  });
});

describe('sub-runs that are dropped', () => {
  const definition = {
    document: { dsl: '1.0.3', namespace: 'n', name: 'f', version: '1.0.0' },
    do: [
      { sub: { run: { workflow: { namespace: 'n', name: 'other', version: 'latest' } } } },
      { code: { run: { script: { language: 'javascript', code: '1' } } } },
      { ask: { call: 'http', with: {} } },
    ],
  };
  const flow = new CompiledFlow(definition as never);
  const node = (id: number, name: string, at: number): Node => {
    return { id, path: `/do/${at}/${name}`, name, raw: null, input: null, startedAt: 0 };
  };
  const children = [node(2, 'sub', 0), node(3, 'code', 1), node(4, 'ask', 2)];
  const root: Node = { id: 0, path: '', name: '', raw: null, input: null, startedAt: 0, children };

  it('are told from calls, scripts and what is not there', () => {
    expect([...subRunsOf(flow, { root }, [2, 3, 4, 9])]).toEqual([2]);
    expect(subRunsOf(flow, { root }, [])).toEqual(new Set());
  });

  it('are found in what a failed run keeps for a retry', () => {
    expect([...subRunsOf(flow, { failed: { root, context: null, node: 4, at: 0, agenda: [] } }, [2])]).toEqual([2]);
  });
});
