/** An agent reaches its server through a proxy that speaks TLS, and checks who that is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../src/linux/process/exec.ts';
import { Processes } from '../system/process-fixture.ts';

/** A key and a certificate for 127.0.0.1 that nobody else signed. */
async function makeCertificate(dir: string): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(dir, 'tls.key'), join(dir, 'tls.crt')];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=coax-test -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`;
  const { code, stderr } = await exec('openssl', words.split(' '), { timeoutMs: 60_000 });
  assert.equal(code, 0, stderr);
  return { key, cert };
}

test('with --ca the agent joins over TLS and does steps; without it the server is not trusted', async () => {
  await using processes = new Processes();
  const { url, client } = await processes.server('server');
  const { key, cert } = await makeCertificate(processes.dir);
  const proxy = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (asked, answer) => {
    const { method, headers, url: path } = asked;
    const onward = request(new URL(path!, url), { method: method!, headers }, got => {
      answer.writeHead(got.statusCode!, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  try {
    const address = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { token } = await client.joinToken();
    const words = [
      'agent',
      '--join',
      address,
      '--token',
      token,
      '--name',
      'h7',
      '--label',
      'tls=yes',
      '--simulate',
    ];
    const distrusting = processes.coax('h7', words);
    assert.equal(await distrusting.ended, 6, distrusting.output);
    assert.match(distrusting.output, /certificate/);

    const agent = processes.coax('h7', [...words, '--ca', cert]);
    await agent.says(/connected to https/);
    const { msgid } = await client.submit({
      flow: 'create_vm',
      parameters: { cpu: 1, mem: 128, labels: { tls: 'yes' } },
    });
    assert.equal((await client.waitFor(msgid)).status, 'done');
    agent.signal('SIGTERM');
    assert.equal(await agent.ended, 0, agent.output);

    // The file is kept, too.
    const again = processes.coax('h7', ['agent']);
    await again.says(/connected to https/);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});
