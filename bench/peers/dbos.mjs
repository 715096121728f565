/**
 * DBOS Transact on PostgreSQL: a workflow of four `DBOS.runStep`, each checkpointed before the next begins. Pages
 * "Workflows", "Steps", "Queues & Concurrency" and "Configuration" of its docs: bulk work is enqueued by `DBOSClient` and
 * taken from a queue with a `workerConcurrency` for each process, the pool raised to match. At idle the workflow is started
 * directly, which is faster than by a queue.
 */
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { inParallel, now, serve, until } from './serve.ts';

/** 50, 100 and 500 were slower or no faster, a pool of 50 was, too, and so was a second process. */
const workerConcurrency = 200;
const systemDatabasePoolSize = 20;

async function createVm(parameters) {
  const { host } = await DBOS.runStep(async () => ({ host: 'node-1' }), { name: 'select_host' });
  const { ip } = await DBOS.runStep(async () => ({ ip: '10.0.0.11' }), { name: 'alloc_ip' });
  const { uuid } = await DBOS.runStep(async () => ({ uuid: '6f1c0b9e' }), { name: 'create_vm' });
  const { state } = await DBOS.runStep(async () => ({ state: 'ready' }), { name: 'update_info' });
  return { ...parameters, host, ip, uuid, state };
}
const flow = DBOS.registerWorkflow(createVm, { name: 'create_vm' });

await serve(async ({ url, process: number }) => {
  DBOS.setConfig({
    name: 'coax-bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize,
    executorID: `bench-${number}`,
    applicationVersion: '1',
    logLevel: 'error',
  });
  if (number === 0) await DBOS.migrate(url);
  const client = await DBOSClient.create({
    systemDatabaseUrl: url,
    systemDatabasePoolSize,
    applicationName: 'coax-bench',
  });
  const reader = new pg.Client(url);
  await reader.connect();
  const complete = async () => {
    const { rows } = await reader.query(
      `SELECT count(*)::int AS count FROM dbos.workflow_status WHERE status = 'SUCCESS'`,
    );
    return rows[0].count;
  };
  let before = 0;
  const takeFromQueue = () => DBOS.registerQueue('bench', { workerConcurrency, minPollingIntervalMs: 20 });
  const parameters = { cpu: 2, mem: 4096 };
  const options = { queueName: 'bench', workflowName: 'create_vm', appVersion: '1' };
  return {
    async submit(flows) {
      before = await complete();
      await inParallel(flows, systemDatabasePoolSize, async () => {
        await client.enqueue(options, parameters);
      });
    },
    async work(flows) {
      await DBOS.launch();
      const began = now();
      await takeFromQueue();
      await until(async () => (await complete()) >= before + flows, 50);
      return { began, ended: now() };
    },
    async complete() {
      const { rows } = await reader.query(`SELECT count(*)::int AS count FROM dbos.workflow_status w
        WHERE status = 'SUCCESS' AND 4 = (SELECT count(*) FROM dbos.operation_outputs o
          WHERE o.workflow_uuid = w.workflow_uuid)`);
      return rows[0].count;
    },
    rest: () => DBOS.shutdown(),
    wake: () => DBOS.launch(),
    async one() {
      await flow(parameters);
    },
    async close() {
      await DBOS.shutdown();
      await client.destroy();
      await reader.end();
    },
  };
});
