import { constants } from '../native/tables.ts';
import {
  type Address,
  type Link,
  type Neighbour,
  type Route,
  type RouteObject,
  routeObjectOf,
} from './route-objects.ts';
import { NetlinkSocket } from './socket.ts';

/** A request for a dump: the family alone is read of it. */
const GENERAL_BYTES = 16;

async function* listed<T extends RouteObject>(type: string): AsyncGenerator<T> {
  using socket = new NetlinkSocket(Number(constants().NETLINK_ROUTE));
  for (const message of await socket.dump(Number(constants()[type]), Buffer.alloc(GENERAL_BYTES))) {
    const object = routeObjectOf(message);
    if (object !== null) yield object as T;
  }
}

export type { Address, Link, Neighbour, Route, RouteObject } from './route-objects.ts';

/** The interfaces of this network namespace. Errors: ErrnoError. */
export const links = (): AsyncGenerator<Link> => listed('RTM_GETLINK');
/** Addresses of all interfaces, IPv4 and IPv6. Errors: ErrnoError. */
export const addresses = (): AsyncGenerator<Address> => listed('RTM_GETADDR');
/** Routes of all tables. Errors: ErrnoError. */
export const routes = (): AsyncGenerator<Route> => listed('RTM_GETROUTE');
/** The neighbours that are known. Errors: ErrnoError. */
export const neighbours = (): AsyncGenerator<Neighbour> => listed('RTM_GETNEIGH');

export interface RouteChange {
  readonly change: 'new' | 'gone';
  readonly object: RouteObject;
}

/**
 * What changes from now on, as it changes: an object that is changed comes as `new` again. Listening has begun when this returns.
 * Ends when `signal` aborts. Errors: ErrnoError, of which ENOBUFS says that changes came faster than they were taken and some are
 * lost: list anew.
 */
export function routeChanges(signal: AbortSignal): AsyncGenerator<RouteChange> {
  const known = constants();
  const groups = ['LINK', 'IPV4_IFADDR', 'IPV6_IFADDR', 'IPV4_ROUTE', 'IPV6_ROUTE', 'NEIGH'];
  const bits = groups.reduce((sum, group) => sum | Number(known[`RTMGRP_${group}`]), 0);
  return follow(new NetlinkSocket(Number(known.NETLINK_ROUTE), bits), signal);
}

async function* follow(open: NetlinkSocket, signal: AbortSignal): AsyncGenerator<RouteChange> {
  using socket = open;
  const { RTM_DELLINK, RTM_DELADDR, RTM_DELROUTE, RTM_DELNEIGH } = constants();
  const gone = new Set([RTM_DELLINK, RTM_DELADDR, RTM_DELROUTE, RTM_DELNEIGH]);
  while (!signal.aborted) {
    for (const message of await socket.next()) {
      const object = routeObjectOf(message);
      if (object !== null) yield { change: gone.has(message.type) ? 'gone' : 'new', object };
      if (signal.aborted) return;
    }
  }
}
