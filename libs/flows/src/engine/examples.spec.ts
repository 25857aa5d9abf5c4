import { readFileSync, writeFileSync } from 'node:fs';
import type { Json } from '@spillway/jq';
import { parseFlow } from '../definition/parse';
import { standardErrorUri } from '../definition/standard-errors';
import { simulate } from '../simulate/simulate';
import { conformancePage } from '../testing/conformance-page';
import { readScenarios } from '../testing/features';
import { CONFORMANCE_PAGE, readKills } from '../testing/kill-record';
import { type Answers, anEvent, failure, nameOf, NOON } from '../testing/flows';
import { EXAMPLES } from '../testing/specification/examples';
import { CompiledFlow } from './compiled-flow';
import { Fault } from './errors';

interface Outcome {
  input?: Json;
  /** What stands in for the services that are called, by the name of the task. */
  answers?: Answers;
  events?: { [attribute: string]: Json }[];
  /** What the run came to. */
  output?: Json;
  error?: object;
  /** It is still waiting for something. */
  waits?: true;
  /** Arguments of its calls, as far as they depend on data, in order. */
  calls?: object[];
  emitted?: object[];
  tookMs?: number;
  /** Why it does not come to what its author had in mind. */
  because?: string;
}

const PET = { id: 1, name: 'Rex' };
const HEAT = anEvent('com.fake-hospital.vitals.measurements.temperature', { temperature: 39 });
const COOL = anEvent('com.fake-hospital.vitals.measurements.temperature', { temperature: 37 });
const PULSE = anEvent('com.fake-hospital.vitals.measurements.bpm', { bpm: 50 });
const OUT = anEvent('com.fake-hospital.patient.checked-out');
const DOWN = failure('communication', 503);
const GONE = failure('communication', 404);
const NOT_IMPLEMENTED = {
  type: 'https://serverlessworkflow.io/errors/not-implemented',
  status: 500,
  title: 'Not Implemented',
};

/** One call, whose answer is the output. */
const getsPet: Outcome = { input: { petId: 1, token: 'abc' }, answers: { getPet: PET }, output: PET };
const getsMessages: Outcome = { answers: { getNotifications: [[{ payload: 1 }]] as never }, output: [{ payload: 1 }] };
const refused: Outcome = {
  error: { type: standardErrorUri('configuration'), status: 400 },
  because: 'workers start no containers and no shells; the linter says so when the flow is written',
};

/** Every example of the specification and what it comes to. Calls are answered by stand-ins; no network is used. */
const OUTCOMES: Record<string, Outcome> = {
  'accumulate-room-readings': {
    events: ['temperature', 'humidity'].map((kind) =>
      anEvent(`my.home.sensors.${kind}`, { reading: 1 }, { source: 'https://my.home.com/sensor', roomid: 'kitchen' }),
    ),
    error: { type: standardErrorUri('expression'), instance: '/do/0/consumeReading' },
    because: 'its output.as asks the list of events for a field "data", which jq refuses: a mistake in the example',
  },
  'authentication-bearer': {
    ...getsPet,
    calls: [
      { endpoint: { uri: 'https://petstore.swagger.io/v2/pet/1', authentication: { bearer: { token: 'abc' } } } },
    ],
  },
  'authentication-bearer-uri-format': getsPet,
  'authentication-oauth2': getsPet,
  'authentication-oauth2-secret': getsPet,
  'authentication-oidc': getsPet,
  'authentication-oidc-secret': getsPet,
  'authentication-reusable': getsPet,
  'call-asyncapi-publish': {
    input: { pet: { id: 7 }, token: 'abc' },
    answers: { findPet: null },
    output: null,
    calls: [{ message: { payload: { petId: 7 } } }],
  },
  'call-asyncapi-subscribe-consume-amount': {
    ...getsMessages,
    calls: [
      { subscription: { filter: expect.stringContaining('${ .correlationId') as string, consume: { amount: 5 } } },
    ],
  },
  'call-asyncapi-subscribe-consume-forever-foreach': {
    ...getsMessages,
    output: [expect.objectContaining({ data: { message: { payload: 1 } } })] as never,
    emitted: [
      { type: 'io.serverlessworkflow.samples.asyncapi.message.consumed.v1', data: { message: { payload: 1 } } },
    ],
    because:
      'a subscription is one call: the tasks of foreach begin when it is over, and so it must be over at some time',
  },
  'call-asyncapi-subscribe-consume-until': getsMessages,
  'call-asyncapi-subscribe-consume-while': getsMessages,
  'call-custom-function-cataloged': {
    answers: { log: null },
    output: null,
    because:
      'the catalog is on the web: `apply` brings its function into the flow, and here a stand-in answers the call',
  },
  'call-custom-function-inline': { answers: { getPetById: PET }, output: PET },
  'call-grpc': {
    input: { user: { preferredDisplayName: 'Ada' } },
    answers: { greet: { message: 'Hello Ada' } },
    output: { message: 'Hello Ada' },
    calls: [{ arguments: { name: 'Ada' } }],
  },
  'call-http-endpoint-interpolation': {
    ...getsPet,
    calls: [{ endpoint: 'https://petstore.swagger.io/v2/pet/1' }],
  },
  'call-http-endpoint-interpolation-shorthand': getsPet,
  'call-http-query-headers-expressions': {
    input: { searchQuery: 'Luke' },
    answers: { searchStarWarsCharacters: { count: 1 } },
    output: { count: 1 },
    calls: [{ headers: { Accept: 'application/json' }, query: { search: 'Luke' } }],
  },
  'call-http-query-parameters': {
    input: {},
    error: { type: standardErrorUri('validation'), instance: '' },
  },
  'call-http-redirect': {
    input: { searchQuery: 'Luke' },
    answers: { searchStarWarsCharacters: { count: 1 } },
    output: { count: 1 },
    calls: [{ redirect: true }],
  },
  'call-mcp': {
    answers: { publishMessageToSlack: { content: [] } },
    output: { content: [] },
    because: 'a stand-in is the server; to be applied it has to be reached over HTTP, as workers start no processes',
  },
  'call-openapi': { answers: { findPet: [[PET]] as never }, output: [PET] },
  'call-openapi-redirect': { answers: { findPet: [[PET]] as never }, output: [PET] },
  'conditional-task': {
    input: { customer: { age: 17 } },
    error: { type: 'https://superbet-casinos.com/customer/access-forbidden', instance: '/do/0/raiseErrorIfUnderage' },
  },
  'do-multiple': {
    ...getsPet,
    answers: { getPet: PET, buyPet: (pet) => pet },
    calls: [{ method: 'get' }, { method: 'put', body: { ...PET, status: 'sold' } }],
  },
  'do-single': getsPet,
  emit: {
    emitted: [{ type: 'com.petstore.order.placed.v1', data: { items: [{ breed: 'dalmatian', quantity: 101 }] } }],
  },
  for: {
    input: { pets: [{ id: 1 }, { id: 2 }], vet: 'Ada' },
    events: [anEvent('com.fake.petclinic.pets.checkup.completed.v2')],
    error: { type: standardErrorUri('expression'), instance: '/do/0/checkup/do/0/waitForCheckup' },
    because: 'its output.as asks the list of events for a field "pets", which jq refuses: a mistake in the example',
  },
  fork: {
    input: { patient: { fullName: 'Ada' }, room: { number: 7 } },
    answers: { callNurse: 'nurse', callDoctor: 'doctor' },
    output: 'nurse',
    calls: [{ body: { patientId: 'Ada', room: 7 } }, { body: { patientId: 'Ada', room: 7 } }],
  },
  'listen-to-all': { events: [COOL, PULSE, HEAT], output: [{ bpm: 50 }, { temperature: 39 }] },
  'listen-to-all read-envelope': { events: [HEAT, PULSE], output: [HEAT, PULSE] },
  'listen-to-any': { events: [COOL], output: [{ temperature: 37 }] },
  'listen-to-any-filter': { events: [COOL, PULSE], output: [{ bpm: 50 }] },
  'listen-to-any-forever-foreach': {
    events: [HEAT, PULSE],
    calls: [{ body: { event: { temperature: 39 } } }, { body: { event: { bpm: 50 } } }],
    waits: true,
  },
  'listen-to-any-until-condition': {
    events: [HEAT, COOL, PULSE, OUT, OUT],
    output: [{ temperature: 39 }, { temperature: 37 }, { bpm: 50 }, {}],
    because: 'it is after four events, not three: the comment in the example is wrong about "> 3"',
  },
  'listen-to-any-until-consumed': { events: [HEAT, COOL, PULSE, OUT], output: [{ temperature: 39 }, { bpm: 50 }] },
  'listen-to-one': {
    events: [anEvent('com.virtual-wf-powered-race.events.race.started.v1', { carId: 7 })],
    answers: { startup: 'started' },
    output: 'started',
  },
  'mock-service-extension': {
    answers: { callHttp: { real: true } },
    output: { real: true },
    because: '$task has a "definition" and no "with" (dsl.md, "Task Descriptor"), so its condition never holds',
  },
  'raise-inline': {
    error: {
      ...NOT_IMPLEMENTED,
      detail: "The workflow 'raise-not-implemented:0.1.0' is a work in progress and cannot be run yet",
      instance: '/do/0/notImplemented',
    },
  },
  'raise-reusable': { error: { ...NOT_IMPLEMENTED, instance: '/do/0/notImplemented' } },
  'run-container': refused,
  'run-container-cleanup-always': refused,
  'run-container-cleanup-eventually': refused,
  'run-container-stdin-and-arguments': refused,
  'run-container-with-name': refused,
  'run-container-with-pull-policy': refused,
  'run-return-all': refused,
  'run-return-code': refused,
  'run-return-none': refused,
  'run-return-stderr': refused,
  'run-script-with-stdin-and-arguments': {
    answers: { runScript: 'stdin >  Hello Workflow' },
    output: 'stdin >  Hello Workflow',
    calls: [{ language: 'javascript', stdin: 'Hello Workflow', arguments: ['hello'], environment: { foo: 'bar' } }],
  },
  'run-shell-stdin-and-arguments': refused,
  'run-subflow': { input: { user: 'Ada' }, output: { ran: { customer: '.user' } } },
  'schedule-cron': { answers: { backup: 'started' }, output: 'started' },
  'schedule-event-driven': {
    input: [{ data: { timestamp: 'now', patient: { id: 1, name: 'Ada', room: { number: 7 }, vitals: { bpm: 40 } } } }],
    answers: { callNurse: null },
    output: null,
    calls: [{ body: { patientId: 1, patientName: 'Ada', roomNumber: 7, vitals: { heartRate: 40, timestamp: 'now' } } }],
  },
  set: { input: [5], output: { startEvent: 5 } },
  'set-expression': { input: [{ n: 5 }], output: { n: 5 } },
  'star-wars-homeworld': {
    input: { id: 1 },
    answers: {
      getStarWarsCharacter: { statusCode: 200, content: { homeworld: 'https://swapi.dev/api/planets/1' } },
      getStarWarsHomeworld: { name: 'Tatooine' },
    },
    output: { name: 'Tatooine' },
    calls: [{ output: 'response' }, { endpoint: 'https://swapi.dev/api/planets/1' }],
  },
  'switch-then-string': {
    input: { orderType: 'physical' },
    output: { inventory: 'clear', items: 1, address: 'Elmer St' },
  },
  'try-catch': { input: { petId: 9 }, answers: { getPet: GONE }, output: { petId: 9 } },
  'try-catch-retry-inline': { ...getsPet, answers: { getPet: [DOWN, DOWN, PET] }, tookMs: 9_000 },
  'try-catch-retry-reusable': {
    answers: { getPet: DOWN },
    error: { status: 503, instance: '/do/0/tryGetPet/try/0/getPet' },
    tookMs: (3 + 6 + 12 + 24 + 48) * 1_000,
  },
  'try-catch-then': {
    input: { petId: 9 },
    answers: { getPet: GONE },
    output: { error: '$error' },
    emitted: [{ type: 'io.swagger.petstore.events.pets.not-found.v1', data: { status: 404 } }],
    because: 'its set writes "$error" without ${ }, which is text; its export has the error itself',
  },
  'wait-duration-inline': { input: { n: 1 }, output: { n: 1 }, tookMs: 30_000 },
  'wait-duration-iso8601': { tookMs: 30_000 },
};

describe("the specification's examples", () => {
  it('are all here', () => {
    expect(
      Object.keys(OUTCOMES)
        .map((name) => `${name}.yaml`)
        .sort(),
    ).toEqual(EXAMPLES.map(({ file }) => file).sort());
  });

  it.each(EXAMPLES.map(({ file, text }) => [file.replace('.yaml', ''), text]))('%s', async (name, text) => {
    const outcome = OUTCOMES[name]!;
    const { input = {}, answers = {}, events } = outcome;
    const counts = new Map<string, number>();
    const { state, calls, emitted, tookMs } = await simulate(new CompiledFlow(parseFlow(text).definition), input, {
      startedAt: NOON,
      events,
      call: ({ path, input: given, with: args }) => {
        const task = nameOf(path);
        const count = counts.get(task) ?? 0;
        counts.set(task, count + 1);
        const listed = answers[task];
        const answer = Array.isArray(listed) ? listed[Math.min(count, listed.length - 1)] : listed;
        if (answer instanceof Fault) throw answer;
        return typeof answer === 'function' ? answer(given, args) : (answer ?? null);
      },
      run: ({ input: given }) => ({ ran: given }),
    });
    expect(state.status).toBe(outcome.waits ? 'waiting' : outcome.error ? 'faulted' : 'completed');
    if ('output' in outcome) expect(state.output).toEqual(outcome.output);
    if (outcome.error) expect(state.error).toMatchObject(outcome.error);
    if (outcome.calls) expect(calls.map((call) => call.with)).toMatchObject(outcome.calls);
    if (outcome.emitted) expect(emitted).toMatchObject(outcome.emitted);
    if (outcome.tookMs !== undefined) expect(tookMs).toBe(outcome.tookMs);
  });

  it('are told of in docs/flows/conformance.md', () => {
    const rows = Object.entries(OUTCOMES).map(([example, outcome]) => ({
      example,
      because: outcome.because,
      refused: outcome === refused,
    }));
    const page = conformancePage(rows, readScenarios(), readKills());
    if (process.env['UPDATE_DOCS']) writeFileSync(CONFORMANCE_PAGE, page);
    expect(readFileSync(CONFORMANCE_PAGE, 'utf8')).toBe(page);
  });
});
