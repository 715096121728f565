import type { StockImage } from '../../image/stock-image.ts';
import type { GuestSpec } from '../hypervisor.ts';
import type { GuestFolder } from './guest-folder.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Program that runs a guest. */
export const QEMU = 'qemu-system-x86_64';

/**
 * QEMU's arguments for a guest. No shell reads them; commas are the only character with a meaning in QEMU's own
 * options, and are doubled.
 */
export function qemuArguments(
  spec: GuestSpec,
  folder: GuestFolder,
  image: StockImage,
  accelerator: Accelerator,
  tap: string | null,
): string[] {
  const { network } = spec;
  return [
    ...['-name', spec.name, '-uuid', spec.uuid],
    ...['-M', `q35,accel=${accelerator}`, ...(accelerator === 'kvm' ? ['-cpu', 'host'] : [])],
    ...['-m', String(spec.memMib), '-smp', String(spec.cpu)],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', kernelCommandLine(spec)],
    '-netdev',
    tap === null
      ? // restrict: what listens on the host's loopback is none of the guest's business.
        `user,id=n0,restrict=on,ipv6=off,hostfwd=tcp:${network.ip}:${network.httpPort}-10.0.2.15:80`
      : `tap,id=n0,ifname=${tap},script=no,downscript=no`,
    ...['-device', `virtio-net-pci,netdev=n0,mac=${network.mac},romfile=`],
    '-chardev',
    `socket,id=ser0,path=${value(folder.serialSocket)},server=on,wait=off,logfile=${value(folder.serialLog)},logappend=on`,
    ...['-serial', 'chardev:ser0'],
    ...['-qmp', `unix:${value(folder.qmpSocket)},server=on,wait=off`],
    ...['-pidfile', folder.pidFile],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
  ];
}

/** What the stock guest's init reads. The address it shows is the one outside, as people know it. */
export function kernelCommandLine(spec: GuestSpec): string {
  const { network } = spec;
  const inside =
    network.mode === 'tap'
      ? [`coax.ip=${network.ip}/${network.prefix}`, `coax.gw=${network.gateway}`]
      : ['coax.ip=10.0.2.15/24', 'coax.gw=10.0.2.2'];
  return [
    'console=ttyS0 quiet reboot=t panic=10',
    `coax.name=${spec.name}`,
    `coax.uuid=${spec.uuid}`,
    `coax.msgid=${spec.msgid}`,
    `coax.cpu=${spec.cpu}`,
    `coax.mem=${spec.memMib}`,
    `coax.address=${network.ip}`,
    ...inside,
  ].join(' ');
}

function value(text: string): string {
  return text.replaceAll(',', ',,');
}
