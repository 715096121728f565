import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What one import read: each file's bytes as they were loaded, so that the hash names what runs. */
interface Session {
  /** File → SHA-256 (hex). */
  readonly files: Map<string, string>;
}

export interface FreshImport {
  readonly exports: Readonly<Record<string, unknown>>;
  /** The file and the files beside it that it imports, as they were read. */
  readonly files: readonly string[];
  /** SHA-256 (hex) of the file's bytes; of all of them when it imports others. */
  readonly hash: string;
}

const MARK = 'coax';
const PUBLIC_API = new URL('../../index.ts', import.meta.url).href;
const OWN_ROOT = new URL('../../../', import.meta.url).href;
/** A module whose top level never ends must not hold up the others. */
const IMPORT_LIMIT_MS = 10_000;

const sessions = new Map<string, Session>();
let lastId = 0;
let hooked = false;

/**
 * Imports a user's TypeScript file as it is on disk now, and the files that it imports relatively. `coax` and `zod` are
 * Coax's own there, so that nothing needs to be installed beside it. A file that was imported before is read anew: Node
 * keeps the old one in memory, which is the price of changing code without a restart.
 */
export async function importFresh(file: string): Promise<FreshImport> {
  hook();
  const id = String(++lastId);
  const session: Session = { files: new Map() };
  sessions.set(id, session);
  try {
    const exports = await withinLimit(import(`${pathToFileURL(file).href}?${MARK}=${id}`));
    const files = [...session.files.keys()];
    return { exports, files, hash: hashOf(session, file) };
  } catch (error) {
    throw Object.assign(error instanceof Error ? error : new Error(String(error)), {
      files: [...session.files.keys()],
    });
  } finally {
    sessions.delete(id);
  }
}

function hashOf(session: Session, file: string): string {
  const own = session.files.get(file) ?? '';
  if (session.files.size <= 1) return own;
  return hash('sha256', [own, ...[...session.files.values()].sort()].join('\n'), 'hex');
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`its top level did not end within ${IMPORT_LIMIT_MS / 1000} s`)),
    IMPORT_LIMIT_MS,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Once per process: the hooks leave every import alone but those of users' files. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (specifier === 'coax') return { url: PUBLIC_API, shortCircuit: true };
      const id = idOf(parentURL);
      if (id === null) return next(specifier, context);
      if (specifier === 'zod') return next(specifier, { ...context, parentURL: import.meta.url });
      const resolved = next(specifier, context);
      const relative = specifier.startsWith('./') || specifier.startsWith('../');
      return relative && resolved.url.startsWith('file:') && !resolved.url.startsWith(`${OWN_ROOT}src/`)
        ? { ...resolved, url: `${resolved.url}?${MARK}=${id}` }
        : resolved;
    },
    load(url, context, next) {
      const id = idOf(url);
      if (id === null || !/\.ts\?/.test(url)) return next(url, context);
      const file = fileURLToPath(url);
      const source = readFileSync(file);
      sessions.get(id)?.files.set(file, hash('sha256', source, 'hex'));
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}

function idOf(url: string | undefined): string | null {
  const at = url?.lastIndexOf(`?${MARK}=`) ?? -1;
  return at < 0 ? null : url!.slice(at + MARK.length + 2);
}
