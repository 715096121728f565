import { constants } from '../native/tables.ts';
import { addressText, attributesIn, macText, textOf, u32Of, type WireMessage } from './wire.ts';

/** A network interface. Source: rtnetlink(7), linux/if_link.h. */
export interface Link {
  readonly kind: 'link';
  readonly index: number;
  readonly name: string;
  /** As in IFF_UP and IFF_RUNNING. */
  readonly isUp: boolean;
  readonly isRunning: boolean;
  /** Bytes. */
  readonly mtu: number | null;
  readonly mac: string;
  /** Of what driver: `bridge`, `veth`, `tun`; empty for a device. */
  readonly type: string;
  /** Index of the bridge or bond that it belongs to; null when it belongs to none. */
  readonly master: number | null;
}

export interface Address {
  readonly kind: 'address';
  readonly link: number;
  readonly address: string;
  /** Bits of the network part. */
  readonly prefix: number;
  /** `eth0`, or with a label; empty for IPv6. */
  readonly label: string;
}

export interface Route {
  readonly kind: 'route';
  /** `default`, or as in `10.0.0.0/24`. */
  readonly destination: string;
  readonly gateway: string;
  /** Index of the interface; null for a route without one. */
  readonly link: number | null;
  readonly source: string;
  readonly table: number;
  readonly priority: number | null;
}

export interface Neighbour {
  readonly kind: 'neighbour';
  readonly link: number;
  readonly address: string;
  readonly mac: string;
  /** `reachable`, `stale`, `permanent` and so on. Source: ip-neighbour(8). */
  readonly state: string;
}

export type RouteObject = Link | Address | Route | Neighbour;

const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;
const NDMSG = 12;

/** What a message of the route family tells of; null for other kinds. */
export function routeObjectOf({ type, content }: WireMessage): RouteObject | null {
  const { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE } = constants();
  const { RTM_NEWNEIGH, RTM_DELNEIGH } = constants();
  if (type === RTM_NEWLINK || type === RTM_DELLINK) return linkOf(content);
  if (type === RTM_NEWADDR || type === RTM_DELADDR) return addressOf(content);
  if (type === RTM_NEWROUTE || type === RTM_DELROUTE) return routeOf(content);
  if (type === RTM_NEWNEIGH || type === RTM_DELNEIGH) return neighbourOf(content);
  return null;
}

function linkOf(content: Buffer): Link {
  const { IFLA_IFNAME, IFLA_MTU, IFLA_ADDRESS, IFLA_MASTER, IFLA_LINKINFO, IFLA_INFO_KIND } = constants();
  const { IFF_UP, IFF_RUNNING } = constants();
  const flags = content.readUInt32LE(8);
  const attributes = attributesIn(content, IFINFOMSG);
  const info = attributes.get(Number(IFLA_LINKINFO));
  return {
    kind: 'link',
    index: content.readInt32LE(4),
    name: textOf(attributes.get(Number(IFLA_IFNAME))),
    isUp: (flags & Number(IFF_UP)) !== 0,
    isRunning: (flags & Number(IFF_RUNNING)) !== 0,
    mtu: u32Of(attributes.get(Number(IFLA_MTU))),
    mac: macText(attributes.get(Number(IFLA_ADDRESS))),
    type: info === undefined ? '' : textOf(attributesIn(info, 0).get(Number(IFLA_INFO_KIND))),
    master: u32Of(attributes.get(Number(IFLA_MASTER))),
  };
}

function addressOf(content: Buffer): Address {
  const { IFA_ADDRESS, IFA_LOCAL, IFA_LABEL } = constants();
  const attributes = attributesIn(content, IFADDRMSG);
  // Of a point-to-point link IFA_ADDRESS is the other end's.
  const own = attributes.get(Number(IFA_LOCAL)) ?? attributes.get(Number(IFA_ADDRESS));
  return {
    kind: 'address',
    link: content.readUInt32LE(4),
    address: addressText(own),
    prefix: content.readUInt8(1),
    label: textOf(attributes.get(Number(IFA_LABEL))),
  };
}

function routeOf(content: Buffer): Route {
  const { RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PREFSRC, RTA_TABLE, RTA_PRIORITY } = constants();
  const attributes = attributesIn(content, RTMSG);
  const to = addressText(attributes.get(Number(RTA_DST)));
  return {
    kind: 'route',
    destination: to === '' ? 'default' : `${to}/${content.readUInt8(1)}`,
    gateway: addressText(attributes.get(Number(RTA_GATEWAY))),
    link: u32Of(attributes.get(Number(RTA_OIF))),
    source: addressText(attributes.get(Number(RTA_PREFSRC))),
    table: u32Of(attributes.get(Number(RTA_TABLE))) ?? content.readUInt8(4),
    priority: u32Of(attributes.get(Number(RTA_PRIORITY))),
  };
}

const STATES = ['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT'];

function neighbourOf(content: Buffer): Neighbour {
  const { NDA_DST, NDA_LLADDR } = constants();
  const attributes = attributesIn(content, NDMSG);
  const bits = content.readUInt16LE(8);
  const state = STATES.find(name => (bits & Number(constants()[`NUD_${name}`])) !== 0);
  return {
    kind: 'neighbour',
    link: content.readInt32LE(4),
    address: addressText(attributes.get(Number(NDA_DST))),
    mac: macText(attributes.get(Number(NDA_LLADDR))),
    state: state?.toLowerCase() ?? 'none',
  };
}
