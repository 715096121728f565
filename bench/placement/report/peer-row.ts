import { comparedRow, plainRow, type Row } from '../../row.ts';

/** As a table names it. */
export const PEER = 'OpenStack Placement: candidates and claim, 8 clients';

/** A figure beside the peer's of the same run; alone, without a judgement of the ratio, when the peer was not measured. */
export function peerRow(
  name: string,
  value: number,
  unit: string,
  peerValue: number | null,
  goal: string | null,
): Row {
  if (peerValue === null) return plainRow(name, value, unit);
  return comparedRow(name, unit, PEER, [{ value, reference: peerValue }], goal);
}
