import { API_VERSION, type Resource, resourceSchema } from '@spillway/contracts';
import { parse } from 'yaml';

/** One flow with a task of every kind, and its sub-run. `OTHER` is the third party. */
const FLOWS = {
  every: `
    do:
      - greet: { call: http, with: { method: post, endpoint: OTHER/greet } }
      - list: { do: [{ first: { set: { n: 1 } } }, { second: { set: { n: '\${ .n + 1 }' } } }], export: { as: { list: '\${ . }' } } }
      - tell: { emit: { event: { with: { type: crash.emitted, source: 'https://chaos.example', data: { mark: '\${ $workflow.input.data.mark }' } } } } }
      - each: { for: { each: n, in: '[1, 2]' }, do: [{ one: { call: http, with: { method: post, endpoint: OTHER/each, body: '\${ $n }' } } }] }
      - both:
          fork:
            branches:
              - left: { call: http, with: { method: post, endpoint: OTHER/left } }
              - right: { do: [{ rest: { wait: { milliseconds: 50 } } }, { go: { call: http, with: { method: post, endpoint: OTHER/right } } }] }
          export: { as: '\${ $context + { both: . } }' }
      - hear:
          listen:
            to:
              all:
                - { with: { type: crash.emitted }, correlate: { mark: { from: .data.mark, expect: '\${ $workflow.input.data.mark }' } } }
                - { with: { type: crash.outside }, correlate: { mark: { from: .data.mark, expect: '\${ $workflow.input.data.mark }' } } }
          export: { as: '\${ $context + { heard: length } }' }
      - safe:
          try: [{ fail: { raise: { error: { type: 'https://chaos.example/no', status: 400 } } } }]
          catch: { do: [{ mend: { set: { mended: true } } }] }
          export: { as: '\${ $context + { safe: . } }' }
      - shaky:
          try: [{ attempt: { call: http, with: { method: post, endpoint: OTHER/shaky } } }]
          catch:
            errors: { with: { status: 503 } }
            retry: { delay: { milliseconds: 50 }, limit: { attempt: { count: 3 } } }
          export: { as: '\${ $context + { shaky: . } }' }
      - sub:
          run: { workflow: { namespace: chaos, name: part, version: latest, input: { n: '\${ $context.list.n }' } } }
          export: { as: '\${ $context + { sub: . } }' }
      - code:
          run: { script: { language: javascript, code: 'console.log(1 + 1)' } }
          export: { as: '\${ $context + { code: . } }' }
      - note: { call: spillway.notify, with: { channel: callback, url: OTHER/note, secret: token } }
      - ask:
          call: http
          with: { method: post, endpoint: OTHER/ask }
          metadata: { callback: true }
          export: { as: '\${ $context + { asked: .n } }' }
      - approve:
          call: spillway.approval
          with: { title: 'May it go on?', notify: { channel: callback, url: OTHER/approve, secret: token } }
          export: { as: '\${ $context + { approved: [.approved, .by] } }' }
      - race:
          fork:
            compete: true
            branches:
              - wins: { do: [{ rest: { wait: { milliseconds: 100 } } }, { won: { set: { won: true } } }] }
              - loses: { listen: { to: { one: { with: { type: crash.never } } } } }
          export: { as: '\${ $context + { race: . } }' }
      - choose: { switch: [{ two: { when: $context.list.n == 2, then: chosen } }, { default: { then: end } }] }
      - skipped: { set: { skipped: false } }
      - chosen: { set: { chosen: true }, export: { as: '\${ $context + . }' } }
      - nap: { wait: { milliseconds: 100 } }
      - last: { call: http, with: { method: post, endpoint: OTHER/last, body: '\${ $context }' } }
    output: { as: '\${ { last: ., context: $context } }' }`,
  part: `
    do:
      - within: { call: http, with: { method: post, endpoint: OTHER/within } }
      - nap: { wait: { milliseconds: 50 } }
      - give: { set: { part: '\${ $workflow.input.n }' } }`,
};

/** Paths of the third party, with the number of keys that a run comes with. */
export const EFFECTS: Record<string, number> = {
  '/greet': 1,
  '/each': 2,
  '/left': 1,
  '/right': 1,
  '/emitted': 1,
  '/shaky': 2,
  '/within': 1,
  '/note': 1,
  '/ask': 1,
  '/approve': 1,
  '/last': 1,
};

/** A tenant with those flows and the routes to them. */
export function everyTask(other: string): Resource[] {
  const of = (kind: string, name: string, spec: unknown) => ({
    apiVersion: API_VERSION,
    kind,
    metadata: kind === 'Tenant' ? { name } : { tenant: 'chaos', name },
    spec,
  });
  return [
    of('Tenant', 'chaos', { secrets: { token: { value: 't0k3n' } } }),
    ...Object.entries(FLOWS).map(([name, text]) => of('Flow', name, parse(text.replaceAll('OTHER', other)))),
    of('Route', 'every', { match: { types: ['crash.begin'] }, to: { flow: 'every' } }),
    of('Route', 'emitted', { match: { types: ['crash.emitted'] }, to: { http: { url: `${other}/emitted` } } }),
  ].map((one) => resourceSchema.parse(one));
}
