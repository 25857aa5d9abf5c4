import { createHash } from 'node:crypto';
import type { Json } from '@spillway/jq';
import type { EmitTask, RaiseTask, SetTask, SwitchTask, WaitTask } from '../../definition/model';
import { shown } from '../../definition/json';
import { Fault, standardError } from '../errors';
import type { FlowError } from '../state';
import type { Kind } from './kind';

export const setKind: Kind = {
  start(engine, node) {
    const { set } = engine.taskOf(node) as SetTask;
    engine.complete(node, engine.flow.template(set, node.input, engine.scope(node)));
  },
};

export const switchKind: Kind = {
  start(engine, node) {
    const cases = (engine.taskOf(node) as SwitchTask).switch.flatMap((item) => Object.values(item));
    const scope = engine.scope(node);
    const chosen =
      cases.find(({ when }) => when !== undefined && engine.flow.condition(when, node.input, scope)) ??
      cases.find(({ when }) => when === undefined);
    engine.complete(node, node.input, chosen?.then);
  },
};

export const raiseKind: Kind = {
  start(engine, node) {
    const error = engine.flow.error((engine.taskOf(node) as RaiseTask).raise.error);
    const made = engine.flow.template(error, node.input, engine.scope(node)) as unknown as FlowError;
    const status = typeof made.status === 'string' ? Number(made.status) : made.status;
    if (typeof made.type !== 'string' || !Number.isInteger(status)) {
      const given = `type ${shown(made.type)} and status ${shown(made.status)}`;
      throw new Fault(standardError('configuration', `an error has a type and a number as its status, not ${given}`));
    }
    throw new Fault({ ...made, status });
  },
};

export const emitKind: Kind = {
  start(engine, node) {
    const { event } = (engine.taskOf(node) as EmitTask).emit;
    const given = engine.flow.template(event.with, node.input, engine.scope(node)) as { [attribute: string]: Json };
    const made = {
      specversion: '1.0',
      id: idOf(engine.around.run.id, node.id),
      time: new Date(engine.around.now).toISOString(),
      ...given,
    };
    engine.commands.push({ kind: 'emit', node: node.id, event: made });
    engine.complete(node, made);
  },
};

/** The same task of the same run always gives its event the same id (a UUID, version 8), however often it is sent. */
function idOf(run: string, node: number): string {
  const hash = createHash('sha256').update(`${run}/${node}`).digest('hex');
  const variant = '89ab'.charAt(parseInt(hash.charAt(16), 16) % 4);
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, variant + hash.slice(17, 20)];
  return [...parts, hash.slice(20, 32)].join('-');
}

export const waitKind: Kind = {
  start(engine, node) {
    const at = engine.around.now + engine.duration((engine.taskOf(node) as WaitTask).wait, node);
    node.wait = { for: 'time', at };
  },
  resume(engine, node) {
    engine.complete(node, node.input);
  },
};
