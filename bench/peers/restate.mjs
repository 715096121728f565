/**
 * Restate: a service whose handler has four `ctx.run`, each journaled by the server before the next begins ("Durable steps").
 * Single server with its stock settings (`--dump-config`): 24 partitions, a write-ahead log that is fsynced, batches as they
 * gather. The first process calls it through the ingress by the SDK's client ("SDK clients"), the others serve the endpoint over
 * HTTP/2 ("Serving"). An invocation cannot be accepted without being begun, so its acceptance is part of the time.
 */
import * as restate from '@restatedev/restate-sdk';
import * as clients from '@restatedev/restate-sdk-clients';
import { inParallel, now, serve } from './serve.ts';

/** Calls at once: the fastest of 100, 200 and 400; with 800 it was no faster. */
const WIDTH = 400;

const service = restate.service({
  name: 'vm',
  handlers: {
    create: async (ctx, parameters) => {
      const { host } = await ctx.run('select_host', () => ({ host: 'node-1' }));
      const { ip } = await ctx.run('alloc_ip', () => ({ ip: '10.0.0.11' }));
      const { uuid } = await ctx.run('create_vm', () => ({ uuid: '6f1c0b9e' }));
      const { state } = await ctx.run('update_info', () => ({ state: 'ready' }));
      return { ...parameters, host, ip, uuid, state };
    },
  },
});

async function post(url, body) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

/** Serves the handler and says so to the server. */
async function endpoint({ adminUrl }) {
  const port = await restate
    .endpoint()
    .bind(service)
    .setLogger(() => {})
    .listen(0);
  await post(`${adminUrl}/deployments`, { uri: `http://127.0.0.1:${port}` });
  const nothing = async () => {};
  return {
    submit: nothing,
    work: async () => ({ began: now(), ended: now() }),
    complete: async () => 0,
    rest: nothing,
    wake: nothing,
    one: nothing,
    close: nothing,
  };
}

function caller({ url, adminUrl }) {
  const client = clients.connect({ url }).serviceClient(service);
  let flows = 0;
  const one = async () => {
    const { state } = await client.create({ cpu: 2, mem: 4096 });
    if (state !== 'ready') throw new Error(`the answer was "${state}"`);
  };
  return {
    async submit(count) {
      flows = count;
    },
    async work() {
      const began = now();
      await inParallel(flows, WIDTH, one);
      return { began, ended: now() };
    },
    async complete() {
      const query = `SELECT count(*) AS count FROM sys_invocation
        WHERE status = 'completed' AND completion_result = 'success' AND journal_size >= 6`;
      const { rows } = await post(`${adminUrl}/query`, { query });
      return Number(rows[0].count);
    },
    async rest() {},
    async wake() {},
    one,
    async close() {},
  };
}

await serve(async settings => (settings.process === 0 ? caller(settings) : endpoint(settings)));
