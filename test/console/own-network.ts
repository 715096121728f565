import { existsSync, writeFileSync } from 'node:fs';
import { constants } from '../../src/linux/index.ts';
import { libc } from '../../src/linux/native/libc.ts';
import { exec } from '../../src/linux/process/exec.ts';

let done = false;

/**
 * Moves this test file into a network namespace of its own that has nothing but a loopback, unshare(2). A browser gives up what it
 * loads (ERR_NETWORK_CHANGED) whenever an interface of its machine comes or goes, as those of other tests do. The thread that runs
 * the test is moved, so what it listens on and what it starts later is in there, too. Without root there is no such namespace, and
 * no test that makes interfaces either.
 */
export async function ownNetwork(): Promise<void> {
  if (done || process.getuid?.() !== 0) return;
  libc.unshare!(constants().CLONE_NEWNET!);
  done = true;
  // An address that IPv6 gives a link by itself comes a second or two later: one more change.
  const ipv6 = '/proc/sys/net/ipv6/conf/default/disable_ipv6';
  if (existsSync(ipv6)) writeFileSync(ipv6, '1');
  const { code, stderr } = await exec('ip', ['link', 'set', 'lo', 'up']);
  if (code !== 0) throw new Error(`ip link set lo up: ${stderr}`);
}
