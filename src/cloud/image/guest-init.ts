/**
 * Kernel modules that the guest loads, in this order: insmod does not resolve dependencies. Those that a kernel has
 * built in are skipped.
 */
export const GUEST_MODULES: readonly string[] = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'failover',
  'net_failover',
  'virtio_net',
  'virtio_blk',
  'virtio_balloon',
  'evdev',
  'button',
];

/** Names under which busybox is linked in the guest: what init needs, and what a person at its console would miss. */
export const GUEST_APPLETS: readonly string[] = (
  '[ acpid ash awk basename blockdev cat chmod chown clear cp cttyhack cut date dd df dmesg du echo env expr false find ' +
  'free grep gunzip gzip halt head hexdump hostname httpd id insmod ip kill less ln logger ls lsmod md5sum mkdir mknod ' +
  'more mount mv nc netstat nproc nslookup pidof ping poweroff printf ps pwd readlink reboot rm rmdir route sed seq ' +
  'setsid sh sha256sum sleep sort stat stty sync tail tar tee test top touch tr true umount uname uniq uptime vi watch ' +
  'wc wget which xargs yes zcat'
).split(' ');

/**
 * The guest's first process. It reads `coax.*` from the kernel's command line, brings up the network, serves a page
 * that names the VM on port 80 (`/`, `/vm.json`, `/health`), answers the power button, and leaves a root shell on the
 * serial console. `coax.ip=none` leaves the network down.
 */
export const GUEST_INIT = `#!/bin/sh
export PATH=/bin HOME=/root TERM=vt100
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/console >/dev/console 2>&1

arg() { tr ' ' '\\n' </proc/cmdline | sed -n "s/^coax\\.$1=//p" | head -n 1; }
name=$(arg name) uuid=$(arg uuid) msgid=$(arg msgid) cpu=$(arg cpu) mem=$(arg mem)
ip=$(arg ip) gw=$(arg gw) address=$(arg address)
hostname "\${name:-coax-guest}"

while read -r module; do
  [ -f "/modules/$module.ko" ] && insmod "/modules/$module.ko"
done </modules/order

cat >/www/vm.json <<END
{"name":"$name","uuid":"$uuid","msgid":$msgid,"cpu":$cpu,"mem":$mem,"address":"$address","kernel":"$(uname -r)","cpus":$(nproc)}
END
cat >/www/index.html <<END
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>$name</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em;color:#222}
th{text-align:left;padding-right:2em;font-weight:normal;color:#666}td{font-family:monospace}</style>
<h1>$name</h1>
<p>A virtual machine made by Coax, message $msgid.</p>
<table>
<tr><th>uuid<td>$uuid
<tr><th>msgid<td>$msgid
<tr><th>cpu<td>$cpu
<tr><th>mem<td>$mem MiB
<tr><th>address<td>$address
<tr><th>kernel<td>$(uname -sr)
</table>
</html>
END
echo ok >/www/health

ip link set lo up
if [ -n "$ip" ] && [ "$ip" != none ]; then
  tries=0
  while [ ! -e /sys/class/net/eth0 ] && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  ip addr add "$ip" dev eth0
  ip link set eth0 up
  [ -n "$gw" ] && ip route add default via "$gw"
fi
httpd -p 80 -h /www -c /etc/httpd.conf
# The gateway learns our address from this ARP request, so its own, waiting since before the boot, need not time out.
[ -n "$gw" ] && ping -c 1 -W 1 "$gw" >/dev/null 2>&1 &
acpid
echo "coax-guest-ready name=$name uuid=$uuid ip=$ip"
while :; do
  setsid cttyhack sh
  sleep 1
done
`;

/** What acpid runs when the power button is pressed. */
export const GUEST_POWER_BUTTON = '#!/bin/sh\npoweroff -f\n';

export const GUEST_HTTPD_CONF = '.html:text/html; charset=utf-8\n.json:application/json\n';
