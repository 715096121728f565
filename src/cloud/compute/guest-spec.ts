import { isIPv4 } from 'node:net';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Guest, GuestSpec } from './hypervisor.ts';

/** The least memory with which the stock guest boots; with 64 MiB QEMU's process ends at once. */
const MEM_MIN_MIB = 96;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);

/** Throws COAX_HYPERVISOR for what could not be the uuid of a guest, or would lead out of a folder of guests. */
export function checkUuid(uuid: string): void {
  if (isUuid(uuid)) return;
  throw new CoaxError('COAX_HYPERVISOR', `${JSON.stringify(uuid)} is not a uuid in lower case`, {
    where: 'uuid',
  });
}

/** Virtual CPUs of a guest whose VM asked for so many, which may be parts of one. */
export const guestCpus = (cpu: number): number => Math.max(1, Math.ceil(cpu));

/** Throws COAX_HYPERVISOR, naming the field, for a spec that no guest can be made from; `anySize`: on paper it can have any. */
export function checkSpec(spec: GuestSpec, { anySize = false } = {}): void {
  const must = (holds: boolean, where: string, reason: string): void => {
    if (!holds)
      throw new CoaxError('COAX_HYPERVISOR', `a guest's ${reason}`, { where, hint: 'Mend that parameter.' });
  };
  must(isUuid(spec.uuid), 'uuid', 'uuid must be one, in lower case');
  must(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(spec.name),
    'name',
    'name must be a DNS label in lower case',
  );
  must(
    Number.isInteger(spec.cpu) && spec.cpu >= 1 && (spec.cpu <= 255 || anySize),
    'cpu',
    'cpu must be 1 to 255',
  );
  must(
    Number.isInteger(spec.memMib) && (spec.memMib >= MEM_MIN_MIB || anySize),
    'mem',
    `mem must be ${MEM_MIN_MIB} MiB or more, not ${spec.memMib}: Linux does not boot with less`,
  );
  must(Number.isInteger(spec.msgid), 'msgid', 'msgid must be an integer');
  const { ip, prefix, gateway, mac, httpPort } = spec.network;
  must(isIPv4(ip) && isIPv4(gateway), 'ip', 'address and gateway must be IPv4 addresses');
  must(Number.isInteger(prefix) && prefix >= 8 && prefix <= 30, 'prefix', 'prefix must be 8 to 30');
  must(
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac),
    'mac',
    'mac must be a unicast address in lower case',
  );
  must(
    Number.isInteger(httpPort) && httpPort >= 1 && httpPort <= 65535,
    'httpPort',
    'port must be 1 to 65535',
  );
}

/** Refuses to pass off a guest with another spec as the one that was asked for. */
export function checkSame(kept: GuestSpec, asked: GuestSpec): void {
  const differs = (Object.keys(asked) as (keyof GuestSpec)[]).filter(
    key => sorted(kept[key]) !== sorted(asked[key]),
  );
  if (differs.length === 0) return;
  throw new CoaxError('COAX_HYPERVISOR', `guest ${asked.uuid} exists with another ${differs.join(', ')}`, {
    where: asked.uuid,
    hint: 'Delete that guest first.',
  });
}

function sorted(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : JSON.stringify(value);
}

/** A guest as it is shown. */
export function guestOf(
  spec: GuestSpec,
  now: { readonly state: Guest['state']; readonly pid: number | null; readonly serialSocket: string | null },
): Guest {
  const { ip, httpPort } = spec.network;
  return {
    uuid: spec.uuid,
    name: spec.name,
    spec,
    url: `http://${ip}${httpPort === 80 ? '' : `:${httpPort}`}/`,
    ...now,
  };
}

export function noSuchGuest(uuid: string): CoaxError {
  return new CoaxError('COAX_NOT_FOUND', `there is no guest ${uuid}`, {
    where: uuid,
    hint: '`coax vm ls` lists them.',
  });
}
