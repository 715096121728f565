/** One of several schedulers that choose at the same time; `peers` are the names of all of them. */
export interface Shard {
  readonly name: string;
  readonly peers: readonly string[];
}

/**
 * Whether a host is this scheduler's own: of all peers it has the greatest hash with the host (rendezvous hashing), so a scheduler
 * that comes or goes moves only its own share. Only a preference: whoever finds nothing among its own looks at the others' too.
 */
export function isOwn(host: string, shard: Shard): boolean {
  const own = mixed(host, shard.name);
  for (const peer of shard.peers) {
    if (peer === shard.name) continue;
    const other = mixed(host, peer);
    if (other > own || (other === own && peer < shard.name)) return false;
  }
  return true;
}

/** FNV-1a over both names, then the finalizer of MurmurHash3, so that similar names lie far apart. */
function mixed(host: string, peer: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < host.length; at += 1) hash = Math.imul(hash ^ host.charCodeAt(at), 0x01000193);
  for (let at = 0; at < peer.length; at += 1) hash = Math.imul(hash ^ peer.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
