import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { cacheFolder } from '../../src/cloud/image/cache-folder.ts';
import {
  CHARACTER_DEVICE,
  type CpioEntry,
  cpioArchive,
  FILE,
  FOLDER,
  PROGRAM,
  SYMLINK,
} from '../../src/cloud/image/cpio.ts';
import { GUEST_MODULES } from '../../src/cloud/image/guest-init.ts';
import { findKernel } from '../../src/cloud/image/kernel.ts';
import { exec, findProgram } from '../../src/linux/process/exec.ts';

const ROOT = join(import.meta.dirname, '../..');
/** node alone has 120 MiB, which the guest holds twice while it unpacks. */
const GUEST_MIB = 640;
const DISK_BYTES = 4 * 1024 * 1024;
/** Protection against hanging only: it takes about 15 s. */
const HANG_MS = 800_000;
const APPLETS = [
  '[',
  'cat',
  'dd',
  'env',
  'grep',
  'insmod',
  'mount',
  'poweroff',
  'sed',
  'setsid',
  'sh',
  'sleep',
];
const BEGIN = '--- begin ---';
const END = '--- end: ';

/** The root file system of a guest, made of this machine's files. */
class GuestFiles {
  readonly #entries = new Map<string, CpioEntry>();

  #add(entry: CpioEntry): void {
    const above = dirname(entry.path);
    if (above !== '.' && !this.#entries.has(above)) this.#add({ path: above, mode: FOLDER });
    if (!this.#entries.has(entry.path)) this.#entries.set(entry.path, entry);
  }

  folder(path: string): void {
    this.#add({ path, mode: FOLDER });
  }

  file(path: string, data: Buffer | string, mode = FILE): void {
    this.#add({ path, mode, data: Buffer.from(data) });
  }

  link(path: string, to: string): void {
    this.#add({ path, mode: SYMLINK, data: Buffer.from(to) });
  }

  /** A program with the libraries that its loader would find. */
  async program(file: string, path: string): Promise<void> {
    this.file(path, readFileSync(file), PROGRAM);
    const { stdout } = await exec('ldd', [file]);
    for (const [, library] of stdout.matchAll(/(\/\S+) \(0x/g))
      this.file(library!.slice(1), readFileSync(library!), PROGRAM);
  }

  tree(folder: string): void {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile()) this.file(join('coax', relative(ROOT, file)), readFileSync(file));
    }
  }

  archive(): Buffer {
    const console = { path: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] } as const;
    this.#add(console);
    return cpioArchive([...this.#entries.values()]);
  }
}

function initOf(testFile: string): string {
  return `#!/bin/sh
export PATH=/bin:/usr/bin HOME=/root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 none /sys/fs/cgroup
exec </dev/console >/dev/console 2>&1
for module in ${GUEST_MODULES.join(' ')}; do [ -f /modules/$module.ko ] && insmod /modules/$module.ko; done
echo '${BEGIN}'
node --disable-warning=ExperimentalWarning --test-reporter=tap /coax/${testFile}
echo '${END}'$?
poweroff -f
`;
}

export interface GuestRun {
  /** What the test file printed: TAP. */
  readonly tap: string;
  /** Exit status of node; null when the guest did not come so far. */
  readonly code: number | null;
  /** All of the serial line. */
  readonly serial: string;
}

/**
 * Runs a test file that needs nothing but Node and what is in src/linux/ and src/testing/process-lives.ts, as root in a guest of its own
 * that has Debian's kernel, all controllers in cgroup v2, busybox, prlimit and a disk.
 */
export async function runInGuest(testFile: string): Promise<GuestRun> {
  const kernel = await findKernel(cacheFolder(), () => {});
  const files = new GuestFiles();
  for (const folder of ['proc', 'sys', 'tmp', 'root']) files.folder(folder);
  await files.program(process.execPath, 'usr/bin/node');
  await files.program('/usr/bin/prlimit', 'usr/bin/prlimit');
  files.file('bin/busybox', readFileSync(findProgram('busybox')!), PROGRAM);
  for (const name of APPLETS) files.link(`bin/${name}`, 'busybox');
  files.link('usr/bin/env', '/bin/busybox');
  for (const [name, file] of kernel.modules) files.file(`modules/${name}.ko`, readFileSync(file));
  files.tree(join(ROOT, 'src/linux'));
  for (const path of ['package.json', 'src/testing/process-lives.ts'])
    files.file(`coax/${path}`, readFileSync(join(ROOT, path)));
  files.file('init', initOf(testFile), PROGRAM);
  const folder = mkdtempSync(join(tmpdir(), 'coax-node-guest-'));
  try {
    const initrd = join(folder, 'initrd');
    const disk = join(folder, 'disk');
    writeFileSync(initrd, files.archive());
    writeFileSync(disk, '');
    truncateSync(disk, DISK_BYTES);
    return readSerial(await boot(kernel.file, initrd, disk));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function boot(kernel: string, initrd: string, disk: string): Promise<string> {
  const machine = ['-M', 'q35,accel=tcg', '-cpu', 'max', '-m', String(GUEST_MIB), '-smp', '1'];
  const bare = ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'];
  const line = 'console=ttyS0 quiet reboot=t panic=-1 cgroup_no_v1=all';
  const { stdout, stderr } = await exec(
    'qemu-system-x86_64',
    [
      ...machine,
      ...bare,
      ...['-kernel', kernel, '-initrd', initrd, '-append', line],
      ...['-drive', `file=${disk},format=raw,if=none,id=d0`, '-device', 'virtio-blk-pci,drive=d0'],
    ],
    { timeoutMs: HANG_MS },
  );
  return `${stdout}${stderr}`.replaceAll('\r', '');
}

function readSerial(serial: string): GuestRun {
  const [, after = ''] = serial.split(`${BEGIN}\n`);
  const [tap = '', end] = after.split(END);
  const code = end === undefined ? null : Number.parseInt(end, 10);
  return { tap, code, serial };
}
