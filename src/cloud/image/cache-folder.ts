import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where built images are kept: `$COAX_CACHE`, else `$XDG_CACHE_HOME/coax`, else `~/.cache/coax`. May be deleted at any
 * time: all of it is built anew. A relative XDG_CACHE_HOME is ignored, as the XDG Base Directory Specification asks.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.COAX_CACHE) return env.COAX_CACHE;
  const xdg = env.XDG_CACHE_HOME;
  return xdg && isAbsolute(xdg) ? join(xdg, 'coax') : join(homedir(), '.cache', 'coax');
}
