import { join } from 'node:path';
import { inChild } from '../child/in-child.ts';
import { command, type Given, measureAll } from '../command.ts';
import type { Row } from '../row.ts';
import { measureEmbedded, measureEmbeddedClaims, measureRebuild } from './claims/embedded.ts';
import { measureHttp } from './claims/http.ts';
import { measureKill } from './claims/kill.ts';
import { measureDirectClaims, measurePostgresClaims } from './claims/postgres.ts';
import { measureConflicts } from './memory/conflicts.ts';
import { measureSelect } from './memory/select.ts';
import { measureOpenstack } from './openstack/measure.ts';
import { placementInstalled } from './openstack/server.ts';
import { measurePacking } from './packing.ts';
import { writePage } from './report/write-page.ts';

const NAMES = [
  'select',
  'conflicts',
  'openstack',
  'embedded-claims',
  'rebuild',
  'postgres-claims',
  'embedded',
  'postgres',
  'http',
  'kill',
  'packing',
] as const;
type Name = (typeof NAMES)[number];
const BENCH = {
  name: 'bench:placement',
  measures: NAMES,
  writes: 'the section of docs/performance.md, and its chart',
  more: {
    traces: {
      value: 'DIR',
      help: 'packing also on recorded traces: huawei-a.events.csv.gz, openb-a.events.csv.gz and openb-a.hosts.csv.gz there',
    },
  },
};

/** What later measures stand beside. */
interface Peer {
  version: string | null;
  perSecond: number | null;
}

/** Each in a process of its own, so that heap and caches are its own. */
async function measure(name: Name, { quick, more }: Given, peer: Peer): Promise<Row[]> {
  const file = (path: string): string => join(import.meta.dirname, path);
  switch (name) {
    case 'select':
      return await inChild(file('memory/select.ts'), measureSelect, quick);
    case 'openstack': {
      if (!placementInstalled()) {
        console.error('openstack: not installed, so nothing is measured beside it');
        return [];
      }
      const figures = await inChild(file('openstack/measure.ts'), measureOpenstack, quick);
      peer.version = figures.version;
      peer.perSecond = figures.perSecond;
      return figures.rows;
    }
    case 'conflicts':
      return await inChild(file('memory/conflicts.ts'), measureConflicts, quick);
    case 'embedded-claims':
      return await inChild(file('claims/embedded.ts'), measureEmbeddedClaims, quick);
    case 'rebuild':
      return await inChild(file('claims/embedded.ts'), measureRebuild, quick);
    case 'postgres-claims':
      return await inChild(file('claims/postgres.ts'), measureDirectClaims, quick, peer.perSecond);
    case 'embedded':
      return await inChild(file('claims/embedded.ts'), measureEmbedded, quick);
    case 'postgres':
      return await inChild(file('claims/postgres.ts'), measurePostgresClaims, quick, peer.perSecond);
    case 'http':
      return await inChild(file('claims/http.ts'), measureHttp, quick, peer.perSecond);
    case 'kill':
      return await inChild(file('claims/kill.ts'), measureKill, quick);
    case 'packing':
      return await inChild(file('packing.ts'), measurePacking, quick, more.traces ?? null);
  }
}

process.exitCode = await command(BENCH, given => {
  const peer: Peer = { version: null, perSecond: null };
  return measureAll(
    BENCH,
    given,
    name => measure(name, given, peer),
    (rows, where, day) => writePage(rows, { where, peer: peer.version, day }),
  );
});
