import { newId } from '@spillway/contracts';
import { ownDatabase } from '../../testing/own-database';
import { Vault } from '../../vault/vault';
import { RunStore } from './run-store';

describe('runs whose end nobody told of', () => {
  let own: Awaited<ReturnType<typeof ownDatabase>>;
  let store: RunStore;

  beforeAll(async () => {
    own = await ownDatabase();
    store = new RunStore(own.database.pool, Vault.clear());
  }, 60_000);

  afterAll(() => own?.close());

  /** An event that is moving, with a run of it and a job that was never told to be done. */
  const moving = async (runEnded: boolean, jobOfRun: boolean): Promise<string> => {
    const { pool } = own.database;
    const id = newId();
    const run = `${id}.flow.0`;
    await pool.query(
      `insert into events (id, tenant, source, provider, type, dedupe_key, body_sha256, bytes, correlation_id, via, state,
         event, accepted_at) values ($1, 't', 's', 'hmac', 'x', $2, '', 1, '', 'queue', 'moving', '{}', now())`,
      [id, id],
    );
    await store.commit([
      {
        run: {
          ...{ id: run, tenant: 't', flow: 'f', hash: 'h', version: '1', route: 'flow', eventId: id },
          ...{
            parentRun: null,
            parentNode: null,
            seq: 0,
            status: runEnded ? 'completed' : 'running',
            state: {},
            jobs: 1,
          },
          ...{ wakeAt: null, priority: 'normal', correlationId: id, startedAt: new Date() },
          endedAt: runEnded ? new Date() : null,
        },
        ...{ taken: [], closed: [], commands: [], tasks: [], contexts: [], heard: [], listens: [], unlistens: [] },
        ...{ children: [], deliveries: [] },
      },
    ]);
    await pool.query(
      `insert into jobs (id, queue, tenant, event_id, route, task, target, run_id, state, created_at, state_at)
       values ($1, 'orchestration-flows', 't', $2, 'flow', 'f', 0, $3, 'queued', now(), now())`,
      [run, id, jobOfRun ? run : null],
    );
    return id;
  };

  const untold = async () => {
    const rows = await store.endedUntold(new Date(0), new Date(Date.now() + 1_000), 100);
    return rows.map(({ eventId }) => eventId);
  };

  it('are found though a job of theirs still counts as queued, as one whose end was lost does', async () => {
    const ended = await moving(true, true);
    expect(await untold()).toContain(ended);
  });

  it('are left alone while the run goes on, or a job of no run is open', async () => {
    const open = [await moving(false, true), await moving(true, false)];
    const found = await untold();
    for (const id of open) expect(found).not.toContain(id);
  });
});
