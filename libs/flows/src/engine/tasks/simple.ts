import { randomUUID } from 'node:crypto';
import type { Json } from '@spillway/jq';
import type { EmitTask, RaiseTask, SetTask, SwitchTask, WaitTask } from '../../definition/model';
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
    const given = (engine.taskOf(node) as RaiseTask).raise.error;
    const error = typeof given === 'string' ? engine.flow.definition.use?.errors?.[given] : given;
    if (!error)
      throw new Fault(standardError('configuration', `there is no error "${JSON.stringify(given)}" under use.errors`));
    const made = engine.flow.template(error, node.input, engine.scope(node)) as unknown as FlowError;
    throw new Fault({ ...made, status: Number(made.status) });
  },
};

export const emitKind: Kind = {
  start(engine, node) {
    const { event } = (engine.taskOf(node) as EmitTask).emit;
    const given = engine.flow.template(event.with, node.input, engine.scope(node)) as { [attribute: string]: Json };
    const made = {
      specversion: '1.0',
      id: randomUUID(),
      time: new Date(engine.around.now).toISOString(),
      ...given,
    };
    engine.commands.push({ kind: 'emit', node: node.id, event: made });
    engine.complete(node, made);
  },
};

export const waitKind: Kind = {
  start(engine, node) {
    const at = engine.around.now + engine.duration((engine.taskOf(node) as WaitTask).wait, node);
    node.wait = { for: 'time', at };
  },
  resume(engine, node) {
    engine.complete(node, node.input);
  },
};
