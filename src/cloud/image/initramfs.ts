import { gzipSync } from 'node:zlib';
import { CHARACTER_DEVICE, type CpioEntry, cpioArchive, FILE, FOLDER, PROGRAM, SYMLINK } from './cpio.ts';
import {
  GUEST_APPLETS,
  GUEST_HTTPD_CONF,
  GUEST_INIT,
  GUEST_MODULES,
  GUEST_POWER_BUTTON,
} from './guest-init.ts';

/**
 * The stock guest's root file system as a gzipped cpio archive. Equal inputs give equal bytes.
 * `modules`: contents of kernel modules by name, without `.ko`.
 */
export function buildInitramfs(busybox: Buffer, modules: ReadonlyMap<string, Buffer>): Buffer {
  const order = GUEST_MODULES.filter(name => modules.has(name));
  const folders = [
    'bin',
    'dev',
    'etc',
    'etc/acpi',
    'etc/acpi/PWRF',
    'modules',
    'proc',
    'root',
    'sys',
    'tmp',
    'var',
    // Without these two acpid ends at once, silently, with status 0.
    'var/log',
    'var/run',
    'www',
  ];
  const entries: CpioEntry[] = [
    ...folders.map(path => ({ path, mode: FOLDER })),
    { path: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    { path: 'dev/null', mode: CHARACTER_DEVICE | 0o066, device: [1, 3] },
    { path: 'init', mode: PROGRAM, data: Buffer.from(GUEST_INIT) },
    { path: 'bin/busybox', mode: PROGRAM, data: busybox },
    ...GUEST_APPLETS.map(name => ({ path: `bin/${name}`, mode: SYMLINK, data: Buffer.from('busybox') })),
    { path: 'etc/acpi/PWRF/00000080', mode: PROGRAM, data: Buffer.from(GUEST_POWER_BUTTON) },
    { path: 'etc/httpd.conf', mode: FILE, data: Buffer.from(GUEST_HTTPD_CONF) },
    { path: 'etc/passwd', mode: FILE, data: Buffer.from('root::0:0:root:/root:/bin/sh\n') },
    { path: 'modules/order', mode: FILE, data: Buffer.from(`${order.join('\n')}\n`) },
    ...order.map(name => ({ path: `modules/${name}.ko`, mode: FILE, data: modules.get(name)! })),
  ];
  return gzipSync(cpioArchive(entries), { level: 6 });
}
