/** The VM that a process of QEMU runs. */
export interface QemuGuest {
  readonly name: string;
  /** Empty when it was started without one. */
  readonly uuid: string;
}

const QEMU = /(^|\/)(qemu-system-[^/]+|qemu-kvm|kvm)$/;

/** What QEMU was started for, as its arguments say; null for another program. Source: qemu-system(1), -name and -uuid. */
export function qemuGuest(words: readonly string[]): QemuGuest | null {
  if (!QEMU.test(words[0] ?? '')) return null;
  const after = (option: string): string => {
    const at = words.findIndex((word, index) => index > 0 && (word === option || word === `-${option}`));
    return at < 0 ? '' : (words[at + 1] ?? '');
  };
  // As in `web`, or `guest=web,debug-threads=on`; a comma in a name is doubled.
  const first = /^(?:guest=)?((?:[^,]|,,)*)/.exec(after('-name'))![1]!.replaceAll(',,', ',');
  const uuid = after('-uuid');
  return first === '' && uuid === '' ? null : { name: first || uuid, uuid };
}
