import { callProtocol, closeConnections, PROTOCOLS, type ProtocolKind } from '@spillway/adapters';
import { SpillwayError } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import type { FlowDefinition } from '../definition/model';
import { simulate } from '../simulate/simulate';
import { expectOutcome } from '../testing/expectations';
import { readScenarios } from '../testing/features';
import { StandIns } from '../testing/stand-ins';
import { CompiledFlow } from './compiled-flow';
import { Fault } from './errors';
import type { CallCommand, FlowError } from './state';

let standIns: StandIns;
beforeAll(async () => void (standIns = await StandIns.start()));
afterAll(async () => {
  await closeConnections();
  await standIns.close();
});

describe("the specification's conformance kit, in memory", () => {
  it.each(readScenarios().map((scenario) => [`${scenario.feature}: ${scenario.name}`, scenario] as const))(
    '%s',
    async (_name, { definition, input, expectations }) => {
      const flow = new CompiledFlow(standIns.redirect(definition) as FlowDefinition);
      const { state, happenings } = await simulate(flow, input as Json, { call });
      const order = happenings.flatMap(({ what, task }) => (what === 'started' && task ? [task.name] : []));
      const ended = { status: state.status, output: state.output, error: state.error, order };
      expect(expectations.length).toBeGreaterThan(0);
      for (const expectation of expectations) expectOutcome(expectation, ended);
    },
  );
});

async function call(command: CallCommand): Promise<Json> {
  const kind = PROTOCOLS.find((one) => one === command.call) as ProtocolKind;
  try {
    return (await callProtocol(kind, command.with, {
      tenant: 't',
      input: command.input,
      secrets: {},
      idempotencyKey: String(command.node),
      signal: AbortSignal.timeout(5_000),
    })) as Json;
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    throw new Fault(error.details as unknown as FlowError);
  }
}
