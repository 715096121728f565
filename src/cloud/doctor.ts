import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { textOf } from '../errors/coax-error.ts';
import { aboutLimits, limitsHere } from '../linux/cgroup/limits-here.ts';
import { qemuMissing } from './compute/qemu/missing.ts';
import { detectNetworkMode } from './network/host-network.ts';

/** One thing that `coax doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly about: string;
  /** What to do, when it is not ok. */
  readonly fix?: string;
}

export interface DoctorOptions {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly simulate: boolean;
  /** What the hypervisor's probe has found, when there is one. */
  readonly accelerator: string | null;
  /** Why there is no hypervisor; null when there is one. */
  readonly hypervisorFault: string | null;
}

const NODE_MAJOR_MIN = 24;
const DISK_FREE_MIN_MIB = 512;

/** Everything about this machine that VMs need, each with what to do about it. */
export function runDoctor(options: DoctorOptions): Check[] {
  return [
    checkNode(),
    checkDataDir(options.dataDir),
    checkDisk(options.dataDir),
    checkLimits(),
    ...(options.simulate
      ? [checkSimulated()]
      : [checkQemu(options), checkKvm(options), checkNetwork(), checkImage(options)]),
  ];
}

function checkNode(): Check {
  const major = Number(process.versions.node.split('.')[0]);
  const about = `Node ${process.versions.node}`;
  if (major >= NODE_MAJOR_MIN) return { name: 'node', ok: true, about };
  return {
    name: 'node',
    ok: false,
    about,
    fix: `Start Coax by bin/coax, which runs Node ${NODE_MAJOR_MIN}.`,
  };
}

function checkDataDir(dataDir: string): Check {
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name: 'data directory', ok: true, about: `${dataDir} can be written` };
  } catch (error) {
    return {
      name: 'data directory',
      ok: false,
      about: textOf(error),
      fix: 'Set COAX_DATA to a folder that you may write.',
    };
  }
}

function checkDisk(dataDir: string): Check {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    const freeMib = Math.floor((bavail * bsize) / 1024 ** 2);
    const about = `${freeMib} MiB free where ${dataDir} is`;
    if (freeMib >= DISK_FREE_MIN_MIB) return { name: 'disk', ok: true, about };
    return { name: 'disk', ok: false, about, fix: `Make room: ${DISK_FREE_MIN_MIB} MiB should be free.` };
  } catch (error) {
    return {
      name: 'disk',
      ok: false,
      about: textOf(error),
      fix: 'Set COAX_DATA to a folder on a disk that works.',
    };
  }
}

/** What is missing is done without, and each limit that holds nowhere is named; so this is told and is no fault. */
function checkLimits(): Check {
  return { name: 'limits of programs', ok: true, about: aboutLimits(limitsHere()) };
}

function checkSimulated(): Check {
  return { name: 'hypervisor', ok: true, about: 'simulated: VMs exist on paper only (--simulate)' };
}

function checkQemu({ hypervisorFault }: DoctorOptions): Check {
  const missing = qemuMissing();
  if (missing.length > 0) {
    return {
      name: 'qemu',
      ok: false,
      about: `missing: ${missing.map(line => line.split(':')[0]).join(', ')}`,
      fix: `${missing.join('; ')}; or \`coax up --simulate\``,
    };
  }
  if (hypervisorFault !== null) {
    return {
      name: 'qemu',
      ok: false,
      about: hypervisorFault,
      fix: 'Mend that and start the server again, or `coax up --simulate`.',
    };
  }
  return { name: 'qemu', ok: true, about: 'QEMU and what it needs are installed' };
}

/** Without KVM guests run all the same, slower; so this is told and is no fault. */
function checkKvm({ accelerator }: DoctorOptions): Check {
  return { name: 'kvm', ok: true, about: aboutKvm(accelerator) };
}

function aboutKvm(accelerator: string | null): string {
  if (accelerator === 'kvm') return 'a guest booted under KVM';
  if (!existsSync('/dev/kvm')) return 'no /dev/kvm: TCG is used, which is slower';
  if (accelerator === null)
    return '/dev/kvm is there; whether a guest boots under it is tried when a server starts';
  return '/dev/kvm is there, but a guest does not boot under it: TCG is used, which is slower';
}

function checkNetwork(): Check {
  const { mode, reason } = detectNetworkMode();
  const about =
    mode === 'tap'
      ? `tap: guests have addresses of their own (${reason})`
      : `user: guests answer on loopback addresses (${reason})`;
  return { name: 'network', ok: true, about };
}

function checkImage({ cacheDir }: DoctorOptions): Check {
  const built = existsSync(`${cacheDir}/image`);
  return {
    name: 'image',
    ok: true,
    about: built
      ? `the stock image is in ${cacheDir}`
      : `the stock image is not built yet; it will be, in ${cacheDir}`,
  };
}
