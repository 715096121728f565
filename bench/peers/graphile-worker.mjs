/**
 * graphile-worker: it has jobs and no flows, so a flow is a chain of four jobs, each of which adds the next one with what is
 * known so far (`helpers.addJob`), as its docs show. Settings of its page "Performance": 24 jobs at once, a pool of 25,
 * a local queue of 500, completions in batches without a delay. The next job is added in a transaction of its own before the
 * job is completed: at least once, like all of these. Completed jobs are deleted: none is left when all flows are complete.
 */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { now, serve, until } from './serve.ts';

const STEPS = ['select_host', 'alloc_ip', 'create_vm', 'update_info'];
const FOUND = [{ host: 'node-1' }, { ip: '10.0.0.11' }, { uuid: '6f1c0b9e' }, { state: 'ready' }];

await serve(async ({ url }) => {
  const logger = new Logger(() => (level, message) => {
    if (level === 'error') console.error(message);
  });
  const preset = {
    worker: {
      connectionString: url,
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger,
    },
  };
  const utils = await makeWorkerUtils({ preset });
  await utils.migrate();
  const reader = new pg.Client(url);
  await reader.connect();
  let submitted = 0;
  let finished = 0;
  let told = () => {};
  let runner;
  const taskList = Object.fromEntries(
    STEPS.map((name, step) => [
      name,
      async (payload, helpers) => {
        const known = { ...payload, ...FOUND[step] };
        const next = STEPS[step + 1];
        if (next !== undefined) await helpers.addJob(next, known);
        else finished += 1;
      },
    ]),
  );
  const start = async () => {
    runner = await run({ preset, taskList, noHandleSignals: true });
    // The event comes when the completion is written.
    runner.events.on('job:complete', ({ job }) => {
      if (job.task_identifier === STEPS.at(-1)) told();
    });
  };
  const stop = async () => {
    await runner?.stop();
    runner = undefined;
  };
  const left = async () => {
    const { rows } = await reader.query('SELECT count(*)::int AS count FROM graphile_worker.jobs');
    return rows[0].count;
  };
  const identifier = STEPS[0];
  const payload = { cpu: 2, mem: 4096 };
  return {
    async submit(flows) {
      submitted += flows;
      for (let made = 0; made < flows; made += 1000) {
        const size = Math.min(1000, flows - made);
        await utils.addJobs(Array.from({ length: size }, () => ({ identifier, payload })));
      }
    },
    async work() {
      const began = now();
      await start();
      await until(async () => (await left()) === 0, 20);
      return { began, ended: now() };
    },
    complete: async () => Math.min(finished, submitted - (await left())),
    rest: stop,
    wake: start,
    async one() {
      const completed = new Promise(resolve => {
        told = resolve;
      });
      await utils.addJob(identifier, payload);
      await completed;
    },
    async close() {
      await stop();
      await utils.release();
      await reader.end();
    },
  };
});
