import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { CoaxError } from '../../errors/coax-error.ts';
import { exec, findProgram } from '../../linux/process/exec.ts';
import { GUEST_MODULES } from './guest-init.ts';

/** Debian's package that depends on the newest cloud kernel. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';

export interface Kernel {
  /** As `uname -r` says, such as `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  readonly file: string;
  /** Files of the modules that the guest needs, by name; what the kernel has built in is left out. */
  readonly modules: ReadonlyMap<string, string>;
}

/**
 * A kernel for guests: the one kept in the cache, else one of this host's `/boot` that may be read, else Debian's cloud
 * kernel, downloaded as a package (27 MB) and unpacked without installing it, which any user may do.
 *
 * Errors: COAX_TOOL_MISSING when it cannot be had.
 */
export async function findKernel(
  cacheDir: string,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<Kernel> {
  const kept = newest(cachedKernels(cacheDir)) ?? newest(bootKernels('/boot', '/lib/modules'));
  if (kept) return kept;
  return await downloadKernel(cacheDir, onProgress, signal);
}

function cachedKernels(cacheDir: string): Kernel[] {
  const root = join(cacheDir, 'kernel');
  return namesIn(root).flatMap(release => {
    const at = kernelAt(release, join(root, release, 'vmlinuz'), join(root, release, 'modules'));
    return at ? [at] : [];
  });
}

/** The host's own kernels; a folder of modules that are compressed is of no use, as busybox cannot load them. */
function bootKernels(boot: string, modules: string): Kernel[] {
  return namesIn(boot).flatMap(name => {
    const release = /^vmlinuz-(.+)$/.exec(name)?.[1];
    if (!release) return [];
    const at = kernelAt(release, join(boot, name), join(modules, release));
    return at ? [at] : [];
  });
}

function kernelAt(release: string, file: string, folder: string): Kernel | null {
  try {
    const magic = readFileSync(file).subarray(0x202, 0x206).toString('latin1');
    if (magic !== 'HdrS') return null;
  } catch {
    return null; // Many distributions make /boot/vmlinuz-* unreadable for users.
  }
  const modules = findModules(folder);
  const builtin = new Set(namesOfBuiltin(join(folder, 'modules.builtin')));
  const complete = GUEST_MODULES.every(name => modules.has(name) || builtin.has(name) || OPTIONAL.has(name));
  return complete ? { release, file, modules } : null;
}

/** Modules that not every kernel has, and without which the guest works. */
const OPTIONAL = new Set(['virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_balloon', 'virtio_blk']);

function namesOfBuiltin(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .map(line => basename(line).replace(/\.ko$/, '').replaceAll('-', '_'));
}

function findModules(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  if (!existsSync(folder)) return found;
  const wanted = new Set(GUEST_MODULES);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.ko')) continue;
    const name = entry.name.slice(0, -3).replaceAll('-', '_');
    if (wanted.has(name)) found.set(name, join(entry.parentPath, entry.name));
  }
  return found;
}

function newest(kernels: readonly Kernel[]): Kernel | null {
  const cloud = (kernel: Kernel): number => (kernel.release.includes('cloud') ? 1 : 0);
  const sorted = [...kernels].sort(
    (a, b) => cloud(b) - cloud(a) || b.release.localeCompare(a.release, 'en', { numeric: true }),
  );
  return sorted[0] ?? null;
}

async function downloadKernel(
  cacheDir: string,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<Kernel> {
  for (const program of ['apt-get', 'apt-cache', 'dpkg']) {
    if (!findProgram(program))
      throw noKernel(`${program} is not here, so Debian's cloud kernel cannot be fetched`);
  }
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  removeAbandoned(cacheDir, 'kernel-');
  const work = mkdtempSync(join(cacheDir, 'kernel-'));
  try {
    const name = await newestPackage();
    onProgress(`fetching ${name} (27 MB)`);
    const sandbox = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
    await run(
      'apt-get',
      ['-q', '-o', 'Acquire::Retries=2', ...sandbox, 'download', name],
      work,
      300_000,
      signal,
    );
    const file = readdirSync(work).find(entry => entry.endsWith('.deb'));
    if (!file) throw noKernel(`apt-get download ${name} left no package file`);
    onProgress('unpacking the kernel');
    await run('dpkg', ['-x', join(work, file), join(work, 'root')], work, 60_000, signal);
    return keepKernel(cacheDir, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Name of the package with the kernel's files: what KERNEL_PACKAGE depends on. */
async function newestPackage(): Promise<string> {
  const { stdout } = await exec('apt-cache', ['depends', KERNEL_PACKAGE], { timeoutMs: 60_000 });
  const name = /Depends: (linux-image-\S+-cloud-\S+)/.exec(stdout)?.[1];
  if (name) return name;
  throw noKernel(
    `apt does not know ${KERNEL_PACKAGE}: its package lists are missing (run \`apt-get update\`)`,
  );
}

/** Copies what guests need out of the unpacked package into the cache, and puts it there in one rename. */
function keepKernel(cacheDir: string, work: string): Kernel {
  const unpacked = newest(bootKernels(join(work, 'root/boot'), join(work, 'root/lib/modules')));
  if (!unpacked) throw noKernel('the package has no kernel, or not every module the guest needs');
  const fresh = join(work, 'kept');
  mkdirSync(join(fresh, 'modules'), { recursive: true });
  copyFileSync(unpacked.file, join(fresh, 'vmlinuz'));
  chmodSync(join(fresh, 'vmlinuz'), 0o644);
  for (const [name, file] of unpacked.modules) copyFileSync(file, join(fresh, 'modules', `${name}.ko`));
  const builtin = join(work, 'root/lib/modules', unpacked.release, 'modules.builtin');
  if (existsSync(builtin)) copyFileSync(builtin, join(fresh, 'modules', 'modules.builtin'));
  const place = join(cacheDir, 'kernel', unpacked.release);
  mkdirSync(join(cacheDir, 'kernel'), { recursive: true });
  // One that is there and not complete is what a power cut left.
  if (!kernelAt(unpacked.release, join(place, 'vmlinuz'), join(place, 'modules'))) {
    rmSync(place, { recursive: true, force: true });
  }
  putFolder(fresh, place);
  const kept = kernelAt(unpacked.release, join(place, 'vmlinuz'), join(place, 'modules'));
  if (!kept) throw noKernel(`${place} is not complete`, 'Delete that folder and try again.');
  return kept;
}

/** Removes work folders of builders that were killed: no build takes an hour. */
function removeAbandoned(folder: string, prefix: string): void {
  for (const name of namesIn(folder).filter(entry => entry.startsWith(prefix))) {
    const path = join(folder, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (ageMs > 3_600_000) rmSync(path, { recursive: true, force: true });
  }
}

/** Renames a complete folder into place; if another builder was first, its folder is kept. */
export function putFolder(fresh: string, place: string): void {
  try {
    renameSync(fresh, place);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  // apt-get writes into its working directory.
  const result = await exec('env', ['-C', cwd, program, ...args], {
    timeoutMs,
    ...(signal ? { signal } : {}),
  });
  signal?.throwIfAborted();
  if (result.code === 0) return;
  const last = result.stderr.trim().split('\n').slice(-2).join(' ');
  throw noKernel(`${program} ${args.join(' ')} failed: ${last || `status ${result.code ?? result.signal}`}`);
}

function noKernel(reason: string, hint?: string): CoaxError {
  return new CoaxError('COAX_TOOL_MISSING', `no kernel for guests: ${reason}`, {
    hint:
      hint ??
      `Run \`apt-get update\` as root and try again, or install ${KERNEL_PACKAGE}; --simulate works without a kernel.`,
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
