/**
 * BullMQ: one job for a flow, by the pattern "Process Step Jobs" of its docs: after each step the job's data say which comes
 * next. "Adding jobs in bulk" for the submission. "Parallelism and Concurrency" calls 100 to 300 jobs at once in a worker
 * standard for jobs that wait for I/O: 300 was faster than 50, 100 and 1,000, and than a second process, since Redis is the
 * other core's. "Going to production": append-only file, `noeviction`; the driver starts Redis so, once with `appendfsync
 * everysec`, which that page calls enough for most, and once with `always`, which alone is durable after every step.
 * Completed jobs are kept, as by default; they are the check.
 */
import { Queue, Worker } from 'bullmq';
import IORedis from 'ioredis';
import { now, serve, until } from './serve.ts';

const FINISH = 4;
const FOUND = [{ host: 'node-1' }, { ip: '10.0.0.11' }, { uuid: '6f1c0b9e' }, { state: 'ready' }];

async function process(job) {
  let data = job.data;
  while (data.step !== FINISH) {
    data = { ...data, ...FOUND[data.step], step: data.step + 1 };
    await job.updateData(data);
  }
  return FINISH;
}

await serve(async ({ url }) => {
  const connection = { url };
  const connect = () => new IORedis(url, { maxRetriesPerRequest: null });
  const queue = new Queue('create_vm', { connection });
  const data = { step: 0, cpu: 2, mem: 4096 };
  let worker;
  let before = 0;
  let told = () => {};
  const start = async () => {
    worker = new Worker('create_vm', process, { connection: connect(), concurrency: 300, autorun: false });
    worker.on('completed', () => told());
    worker.on('error', error => console.error(error));
    await worker.waitUntilReady();
    void worker.run();
  };
  return {
    async submit(flows) {
      before = await queue.getCompletedCount();
      for (let made = 0; made < flows; made += 1000) {
        const size = Math.min(1000, flows - made);
        await queue.addBulk(Array.from({ length: size }, () => ({ name: 'create_vm', data })));
      }
    },
    async work(flows) {
      const began = now();
      await start();
      await until(async () => (await queue.getCompletedCount()) >= before + flows, 10);
      return { began, ended: now() };
    },
    async complete() {
      let complete = 0;
      for (let first = 0; ; first += 1000) {
        const jobs = await queue.getCompleted(first, first + 999);
        complete += jobs.filter(job => job.data.step === FINISH && job.data.state === 'ready').length;
        if (jobs.length < 1000) return complete;
      }
    },
    rest: () => worker.close(),
    wake: start,
    async one() {
      const completed = new Promise(resolve => {
        told = resolve;
      });
      await queue.add('create_vm', data);
      await completed;
    },
    async close() {
      await worker.close();
      await queue.close();
    },
  };
});
