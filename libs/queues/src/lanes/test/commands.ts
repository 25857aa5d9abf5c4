import { UnrecoverableError } from 'bullmq';
import * as fc from 'fast-check';
import type { LaneJob } from '../lane-store';
import { CAPS, type Known, type Model, nameOf, WEIGHTS } from './model';
import { endOf, TOKEN, type World } from './world';

type Command = fc.AsyncCommand<Model, World>;

/** A step that is always allowed, and the invariants after it. */
function step(text: string, run: (model: Model, world: World) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, world) => {
      await run(model, world);
      await model.check(world);
    },
    toString: () => text,
  };
}

export function jobOf(id: string, known: Known, priority: number, delay = 0): LaneJob {
  const { lane, key } = known;
  const opts = { jobId: id, attempts: 1_000, priority, removeOnComplete: true, removeOnFail: true };
  return {
    name: 'n',
    data: {},
    json: '{}',
    opts: { ...opts, ...(delay && { delay }), backoff: { type: 'fixed', delay: 1 } },
    place: { lane, ...(key && { key }), weight: WEIGHTS[lane], cap: CAPS[lane] },
  };
}

const known = fc.record<Known>(
  { lane: fc.constantFrom('a', 'b', 'c'), key: fc.constantFrom('x', 'y') },
  { requiredKeys: ['lane'] },
);

const adds = fc
  .array(fc.record({ known, priority: fc.integer({ min: 1, max: 4 }), delay: fc.constantFrom(0, 0, 0, 0, 1) }), {
    minLength: 1,
    maxLength: 8,
  })
  .map((list) =>
    step(`add ${list.map((one) => nameOf(one.known)).join(' ')}`, async (model, world) => {
      const jobs = list.map((one) => ({ ...one, id: model.newId() }));
      await world.store.add(jobs.map((one) => jobOf(one.id, one.known, one.priority, one.delay)));
      for (const one of jobs) model.added(one.id, one.known);
    }),
  );

const again = fc.nat().map((pick) =>
  step(`add one that is there (${pick})`, async (model, world) => {
    const found = at([...model.open], pick);
    if (found) await world.store.add([jobOf(found[0], found[1], 2)]);
  }),
);

const take = fc.integer({ min: 1, max: 4 }).map((count) =>
  step(`take ${count}`, async (model, world) => {
    for (let i = 0; i < count; i += 1) {
      const job = await world.take();
      if (job) model.active.set(job.id!, job);
    }
  }),
);

const finish = fc.record({ pick: fc.nat(), told: fc.boolean() }).map(({ pick, told }) =>
  step(`finish ${pick}${told ? '' : ', and die before the slot is free'}`, async (model, world) => {
    const job = at([...model.active.values()], pick);
    if (!job) return;
    await job.moveToCompleted('done', TOKEN, false);
    model.ended(job.id!, 'done');
    if (told) await world.store.pump([endOf(job, true)], 8);
  }),
);

const retry = fc.record({ pick: fc.nat(), inLane: fc.boolean() }).map(({ pick, inLane }) =>
  step(`fail ${pick}, retried by ${inLane ? 'its lane' : 'BullMQ'}`, async (model, world) => {
    const job = at([...model.active.values()], pick);
    if (!job) return;
    const capped = CAPS[model.open.get(job.id!)!.lane] !== undefined;
    // What has a cap is always retried by its lane: BullMQ would let it in past the cap.
    if (inLane || capped) {
      const retried = { id: job.id!, token: TOKEN, dueAt: Date.now(), counts: true, reason: 'no', stack: ['no'] };
      if (!(await world.store.retryLater(retried))) throw new Error('retryLater did not know its job');
      if (await world.store.retryLater(retried)) throw new Error('retryLater took a job that is not active');
    } else await job.moveToFailed(new Error('no'), TOKEN, false);
    model.active.delete(job.id!);
  }),
);

const giveUp = fc.record({ pick: fc.nat(), park: fc.boolean(), told: fc.boolean() }).map(({ pick, park, told }) =>
  step(
    `give up ${pick}${park ? ', parked' : ''}${told ? '' : ', and die before the slot is free'}`,
    async (model, world) => {
      const job = at([...model.active.values()], pick);
      if (!job) return;
      const { lane, key } = model.open.get(job.id!)!;
      const parks = park && key !== undefined;
      if (parks) {
        const parking = { job: job.id!, at: Date.now(), code: 'x', message: 'it does not work' };
        if (!(await world.store.park(lane, key, parking)))
          throw new Error(`${job.id} is not the head of ${lane}/${key}`);
      }
      await job.moveToFailed(new UnrecoverableError('no'), TOKEN, false);
      model.ended(job.id!, parks ? 'parked' : 'given up');
      if (told) await world.store.pump([endOf(job, false)], 8);
    },
  ),
);

const skip = known.map((one) =>
  step(`skip ${nameOf(one)}`, async (model, world) => {
    const expected = one.key !== undefined && model.parked.has(nameOf(one));
    const skipped = await world.store.skip(one.lane, one.key ?? 'none');
    if (skipped !== expected) throw new Error(`skip ${nameOf(one)} gave ${skipped}`);
    if (skipped) model.skipped(one);
  }),
);

const redrive = known.map((one) =>
  step(`redrive the parked job of ${nameOf(one)}`, async (model, world) => {
    const id = model.parked.get(nameOf(one));
    if (!id) return;
    await world.store.add([jobOf(id, one, 3)]);
    model.added(id, one);
  }),
);

const cancel = fc.nat().map((pick) =>
  step(`cancel ${pick}`, async (model, world) => {
    const found = at(
      [...model.open.keys()].filter((id) => !model.active.has(id)),
      pick,
    );
    if (!found) return;
    await (await world.queue.getJob(found))!.remove();
    model.ended(found, 'done');
  }),
);

const die = fc.constant(
  step('a worker takes a job and dies', async (_, world) => {
    await world.die();
  }),
);

const pause = fc.constant(
  step('pause or resume', async (model, world) => {
    await (model.paused ? world.queue.resume() : world.queue.pause());
    model.paused = !model.paused;
  }),
);

const pump = fc.constant(step('pump', async (_, world) => void (await world.store.pump([], 16))));

/** After this, nothing that could be let in is not. */
export const heal = step('reconcile', async (model, world) => {
  const { lost } = await world.store.heal(true);
  if (lost > 0) throw new Error(`${lost} spilled jobs were in no lane`);
  // What is due, or was let in by BullMQ, takes its place first.
  await new Promise((resolve) => setTimeout(resolve, 3));
  await world.store.pump([], 64);
  await model.checkFull(world);
});

export const commands = fc.commands(
  [
    adds,
    adds,
    take,
    take,
    finish,
    finish,
    retry,
    giveUp,
    skip,
    redrive,
    cancel,
    again,
    die,
    pause,
    pump,
    fc.constant(heal),
  ],
  { maxCommands: 60, size: 'max' },
);

function at<T>(list: T[], pick: number): T | undefined {
  return list.length > 0 ? list[pick % list.length] : undefined;
}
