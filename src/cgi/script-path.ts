import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { SETTINGS_FILE } from './settings.ts';

/** A script that a URL names, and what comes after its name. */
export interface ScriptPath {
  /** As it stands in the URL after /cgi-bin/, decoded: `hello.pl`, `admin/users.py`. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** What follows the name, decoded; empty, or beginning with `/`. */
  readonly pathInfo: string;
}

/** Why a path leads to no script: there is none (404), or it may not be run (403). */
export type NoScript = 'missing' | 'forbidden';

const DEPTH_MAX = 8;
/** Editors' leavings, dot files and the settings are no scripts, executable or not. */
const NEVER = /^\.|^#.*#$|~$|\.(bak|orig|swp)$/i;

/**
 * Finds the script that the rest of a URL's path names (`/hello.pl/more/of/it`, still encoded): the first segment that
 * is a file; what is before it are folders, what comes after it is PATH_INFO. What is no regular file, is not executable,
 * has a name that begins with a dot, or lies outside the folder by way of a symbolic link is no script.
 */
export function findScript(dir: string, encoded: string): ScriptPath | NoScript {
  const segments = decode(encoded);
  if (segments === null) return 'missing';
  let root: string;
  try {
    root = realpathSync(dir);
  } catch {
    return 'missing';
  }
  let file = dir;
  for (const [index, segment] of segments.slice(0, DEPTH_MAX).entries()) {
    if (segment === '' || NEVER.test(segment)) return 'missing';
    file = join(file, segment);
    const kind = kindOf(file, root);
    if (kind === 'folder') continue;
    if (kind !== 'script') return kind;
    if (segment === SETTINGS_FILE) return 'missing';
    const rest = segments.slice(index + 1);
    return {
      name: segments.slice(0, index + 1).join('/'),
      file,
      pathInfo: rest.length === 0 ? '' : `/${rest.join('/')}`,
    };
  }
  return segments.length > DEPTH_MAX ? 'missing' : 'forbidden';
}

/** The decoded segments; null for what no script's name or PATH_INFO may have: an encoded slash, NUL, a step up, or no UTF-8. */
function decode(encoded: string): string[] | null {
  if (!encoded.startsWith('/') || /%2f|%00|\0/i.test(encoded)) return null;
  try {
    const segments = encoded.slice(1).split('/').map(decodeURIComponent);
    // PATH_TRANSLATED would lead out of the folder of documents.
    return segments.some(segment => segment === '.' || segment === '..') ? null : segments;
  } catch {
    return null;
  }
}

/** What a path inside the folder is, seen as a script. */
export function kindOf(file: string, root: string): 'folder' | 'script' | NoScript {
  try {
    const real = realpathSync(file);
    if (real !== root && !real.startsWith(root + sep)) return 'forbidden';
    const stat = statSync(file);
    if (stat.isDirectory()) return 'folder';
    if (!stat.isFile()) return 'forbidden';
    accessSync(file, constants.X_OK);
    // Root may "execute" by its rights what has no execute bit at all; access(2) knows, but say so for other systems.
    return (stat.mode & 0o111) === 0 ? 'forbidden' : 'script';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'forbidden' : 'missing';
  }
}

export { NEVER as NEVER_A_SCRIPT };
