import { findProgram } from '../../../linux/process/exec.ts';
import { QEMU } from './command-line.ts';

const NEEDED: readonly (readonly [program: string, debianPackage: string])[] = [
  [QEMU, 'qemu-system-x86'],
  ['busybox', 'busybox-static'],
  ['ip', 'iproute2'],
];

/** A line for each program that real guests need and this host lacks, with what to do; none when all are there. */
export function qemuMissing(): string[] {
  return NEEDED.filter(([program]) => findProgram(program) === null).map(
    ([program, debianPackage]) =>
      `${program}: run \`apt-get install --no-install-recommends ${debianPackage}\` as root`,
  );
}
