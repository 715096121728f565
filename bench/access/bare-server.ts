// The reference: a bare Fastify route that inserts one row, durable before it answers. Nothing else.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import Fastify from 'fastify';
import { answer } from './child.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-bare-'));
const database = new DatabaseSync(join(dir, 'bare.db'));
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
  CREATE TABLE rows (id INTEGER PRIMARY KEY, flow TEXT NOT NULL, parameters TEXT NOT NULL, created INTEGER NOT NULL) STRICT`);
const insert = database.prepare('INSERT INTO rows (flow, parameters, created) VALUES (?, ?, ?)');

const app = Fastify();
app.post('/v1/messages', (request, reply) => {
  const { flow, parameters } = request.body as { flow: string; parameters: unknown };
  const created = Date.now();
  const { lastInsertRowid } = insert.run(flow, JSON.stringify(parameters), created);
  return reply.code(202).send({ msgid: Number(lastInsertRowid), flow, parameters, created });
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });

process.on('disconnect', () => {
  void app.close().then(() => {
    database.close();
    rmSync(dir, { recursive: true });
    process.exit(0);
  });
});
answer(async () => ({ url, token: '' }));
