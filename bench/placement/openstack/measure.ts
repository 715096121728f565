import { plainRow, quantile, type Row } from '../../row.ts';
import { HOST, VM } from '../claims/cloud-rig.ts';
import { withClosing } from '../with-closing.ts';
import { placementLoad } from './load.ts';
import { type PlacementService, startPlacement } from './server.ts';

const FULL = { sizes: [1000, 10_000], warmUp: 4, each: 4, single: 5 };
const QUICK = { sizes: [20], warmUp: 4, each: 2, single: 2 };
const CLIENTS = 8;

export interface PlacementFigures {
  readonly version: string;
  readonly rows: Row[];
  /** Candidates and claim, with the most hosts. */
  readonly perSecond: number;
}

/** OpenStack Placement alone: candidates, and candidates with the claim. Its books are checked after each load. */
export async function measureOpenstack(quick: boolean): Promise<PlacementFigures> {
  const { sizes } = quick ? QUICK : FULL;
  const service = await startPlacement();
  return await withClosing(
    () => service.close(),
    async () => {
      const rows: Row[] = [];
      let perSecond = Number.NaN;
      for (const hosts of sizes) {
        const of = await measureSize(service, hosts, quick);
        rows.push(...of.rows);
        perSecond = of.perSecond;
      }
      return { version: service.version, rows, perSecond };
    },
  );
}

async function measureSize(
  service: PlacementService,
  hosts: number,
  quick: boolean,
): Promise<{ rows: Row[]; perSecond: number }> {
  const { warmUp, each, single } = quick ? QUICK : FULL;
  await service.seed(hosts, HOST);
  await placementLoad(service.url, VM, { clients: Math.min(CLIENTS, warmUp), each: 1, claim: false });
  const asked = await placementLoad(service.url, VM, { clients: 1, each: single, claim: false });
  const crowd = await placementLoad(service.url, VM, { clients: CLIENTS, each, claim: false });
  const claimed = await placementLoad(service.url, VM, { clients: CLIENTS, each, claim: true });
  const { overcommitted, consumers } = await service.used();
  if (overcommitted > 0 || consumers !== CLIENTS * each)
    throw new Error(`Placement: ${overcommitted} hosts are over-committed, ${consumers} VMs have a claim`);
  const on = `${hosts.toLocaleString('en')} hosts`;
  return {
    perSecond: claimed.perSecond,
    rows: [
      plainRow(`OpenStack Placement, ${on}: candidates, one client, p50`, quantile(asked.timesMs, 0.5), 'ms'),
      plainRow(`OpenStack Placement, ${on}: candidates, 8 clients`, crowd.perSecond, 'requests/s'),
      plainRow(`OpenStack Placement, ${on}: candidates and claim, 8 clients`, claimed.perSecond, 'claims/s'),
      plainRow(
        `OpenStack Placement, ${on}: candidates and claim, 8 clients, p50`,
        quantile(claimed.timesMs, 0.5),
        'ms',
      ),
    ],
  };
}
