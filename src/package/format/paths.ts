/** Bytes of a whole path, and of a name in it. */
const PATH_BYTES = 1024;
const NAME_BYTES = 255;
const DEPTH = 64;

/**
 * Why a path cannot stand in a package; null if it can. Allowed: relative, names joined by single slashes, no `.` and `..`,
 * Unicode in its composed form (NFC), nothing that cannot be seen.
 */
export function pathFault(path: string): string | null {
  if (path === '') return 'the path is empty';
  if (path.startsWith('/')) return 'the path is absolute';
  if (!path.isWellFormed()) return 'the path is not Unicode';
  if (/\p{C}/u.test(path)) return 'the path has characters that cannot be seen';
  if (path !== path.normalize('NFC')) return 'the path is not in the composed form of Unicode (NFC)';
  if (Buffer.byteLength(path) > PATH_BYTES) return `the path is longer than ${PATH_BYTES} bytes`;
  const names = path.split('/');
  if (names.length > DEPTH) return `the path is deeper than ${DEPTH} folders`;
  for (const name of names) {
    if (name === '') return 'the path has an empty name';
    if (name === '.' || name === '..') return `the path has the name \`${name}\``;
    if (Buffer.byteLength(name) > NAME_BYTES) return `a name in the path is longer than ${NAME_BYTES} bytes`;
  }
  return null;
}

/** Two paths with the same key are one file where case, or the form of a letter, is not told apart. */
export const foldedPath = (path: string): string =>
  path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');

/** The order of paths in a package: that of their bytes in UTF-8. */
export const comparePaths = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Folder of a path, `` at the top. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** More links than this on one way is a circle. */
const LINKS_MAX = 40;

/**
 * Follows a symbolic link of a package as the kernel would, through other links of it. `links`: path → target. Gives the
 * path where it ends, or why it must not.
 */
export function followLink(
  path: string,
  links: ReadonlyMap<string, string>,
): { readonly to: string } | { readonly fault: string } {
  const at = folderOf(path) === '' ? [] : folderOf(path).split('/');
  const rest = links.get(path)!.split('/');
  let followed = 1;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return { fault: 'leads out of the package' };
      continue;
    }
    const target = links.get([...at, name].join('/'));
    if (target === undefined) at.push(name);
    else if (target.startsWith('/')) return { fault: 'leads out of the package' };
    else if (++followed > LINKS_MAX) return { fault: 'goes round in a circle' };
    else rest.unshift(...target.split('/'));
  }
  return { to: at.join('/') };
}
