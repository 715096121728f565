import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { AgentFolder, publicKeyOf, signatureOf } from './agent-folder.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'coax-agent-'));
after(() => rmSync(dataDir, { recursive: true }));
const folder = new AgentFolder(dataDir);
folder.make();

test('the key is made once, for its owner alone, and what it signs is verified by its public half', () => {
  const key = folder.key();
  const publicKey = publicKeyOf(key);
  assert.equal(publicKeyOf(new AgentFolder(dataDir).key()), publicKey);
  assert.equal(statSync(join(folder.path, 'key.pem')).mode & 0o777, 0o600);
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
  const signature = Buffer.from(signatureOf(key, 'a text'), 'base64');
  assert.ok(verify(null, Buffer.from('a text'), createPublicKey(publicKey), signature));
  assert.ok(!verify(null, Buffer.from('another text'), createPublicKey(publicKey), signature));
  assert.ok(!publicKey.includes('PRIVATE'));
});

test('what the host was told is kept, whole, and a host that never joined has nothing', () => {
  assert.equal(folder.membership(), null);
  const membership = {
    url: 'http://127.0.0.1:7411',
    host: 'h7',
    ca: '',
    labels: { disk: 'ssd' },
    zone: 'a',
    rack: '',
    simulate: true,
    installation: 'abc',
    network: null,
  };
  folder.join(membership);
  assert.deepEqual(new AgentFolder(dataDir).membership(), membership);
  assert.deepEqual(readdirSync(folder.path).sort(), ['agent.json', 'key.pem']);
});

test('a key that cannot be read is no reason to make another one: the error says what to do', () => {
  const file = join(folder.path, 'key.pem');
  const good = readFileSync(file);
  writeFileSync(file, 'torn');
  assert.throws(
    () => folder.key(),
    error => isCoaxError(error, 'COAX_STORE_UNAVAILABLE') && /--replace/.test(error.hint),
  );
  writeFileSync(file, good);
});

test('status and pid are those of the process that runs', () => {
  assert.equal(folder.pid(), null);
  folder.begin(4242);
  assert.equal(folder.pid(), 4242);
  assert.equal(folder.status(), null);
  folder.end();
  assert.equal(folder.pid(), null);
});
