import { readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * Descriptors above 2 that a child would inherit: those without close-on-exec. All that Node opens has it; what is
 * left was handed to us at our own start, or was opened through FFI. Source: proc(5), /proc/PID/fdinfo.
 */
export function inheritedDescriptors(): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc/self/fdinfo')) {
    if (Number(name) <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'));
      if (flags && (Number.parseInt(flags[1]!, 8) & O_CLOEXEC) === 0) found.push(Number(name));
    } catch {
      // closed since the listing: the listing's own descriptor is one of them
    }
  }
  return found;
}
