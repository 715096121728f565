import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HOST, VM } from './cloud-rig.ts';

/**
 * The floor of this machine: a bare loop on SQLite that takes room of a host where there is enough, writes who has it, and knows nothing of
 * messages, choices or a ledger; so many claims in one transaction. Returns claims per second.
 */
export function floorClaimsPerSecond(hosts: number, claims: number, group: number): number {
  const dir = mkdtempSync(join(tmpdir(), 'coax-floor-'));
  const database = new DatabaseSync(join(dir, 'floor.db'));
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE hosts (name text PRIMARY KEY, cpu integer, mem integer, cpu_used integer, mem_used integer);
      CREATE TABLE claims (id integer PRIMARY KEY, host text, cpu integer, mem integer)`);
    const host = database.prepare('INSERT INTO hosts VALUES (?, ?, ?, 0, 0)');
    database.exec('BEGIN');
    for (let index = 0; index < hosts; index++) host.run(`host-${index}`, HOST.cpus, HOST.memMib);
    database.exec('COMMIT');
    const take = database.prepare(`UPDATE hosts SET cpu_used = cpu_used + ?1, mem_used = mem_used + ?2
      WHERE name = ?3 AND cpu_used + ?1 <= cpu AND mem_used + ?2 <= mem`);
    const record = database.prepare('INSERT INTO claims VALUES (?, ?, ?, ?)');
    const began = performance.now();
    for (let first = 0; first < claims; first += group) {
      database.exec('BEGIN IMMEDIATE');
      for (let id = first; id < Math.min(first + group, claims); id++) {
        const name = `host-${id % hosts}`;
        if (take.run(VM.cpus, VM.memMib, name).changes !== 1) throw new Error(`${name} is full`);
        record.run(id, name, VM.cpus, VM.memMib);
      }
      database.exec('COMMIT');
    }
    return claims / ((performance.now() - began) / 1000);
  } finally {
    database.close();
    rmSync(dir, { recursive: true });
  }
}
