import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import { dataDirDigits, dataDirPath } from '../../network/host-wiring.ts';
import { checkUuid, isUuid } from '../guest-spec.ts';
import type { GuestSpec } from '../hypervisor.ts';

/** Bytes of a Unix socket's path, without the final NUL, unix(7). */
const SOCKET_PATH_MAX = 107;

/** Where the files of one guest are. The folder is of mode 0700: QEMU makes its monitor's socket with 0755. */
export interface GuestFolder {
  readonly uuid: string;
  readonly path: string;
  readonly specFile: string;
  /** Written by QEMU, locked by it while it runs. */
  readonly pidFile: string;
  readonly serialLog: string;
  readonly stdoutFile: string;
  readonly stderrFile: string;
  readonly qmpSocket: string;
  readonly serialSocket: string;
}

/** The guests' folders below a data directory, `vms/UUID`, and the short folder for sockets where the paths are long. */
export class GuestFolders {
  readonly root: string;
  readonly #socketRoot: string | null;

  constructor(dataDir: string) {
    this.root = join(dataDirPath(dataDir), 'vms');
    const longest = join(this.root, '0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2a01', 'serial.sock');
    this.#socketRoot =
      Buffer.byteLength(longest) <= SOCKET_PATH_MAX
        ? null
        : join(runFolder(), `coax-${dataDirDigits(dataDir)}`);
  }

  at(uuid: string): GuestFolder {
    checkUuid(uuid);
    const path = join(this.root, uuid);
    const sockets = this.#socketRoot === null ? path : join(this.#socketRoot, uuid);
    return {
      uuid,
      path,
      specFile: join(path, 'spec.json'),
      pidFile: join(path, 'pid'),
      serialLog: join(path, 'serial.log'),
      stdoutFile: join(path, 'stdout.log'),
      stderrFile: join(path, 'stderr.log'),
      qmpSocket: join(sockets, 'qmp.sock'),
      serialSocket: join(sockets, 'serial.sock'),
    };
  }

  /** Makes the folders of a guest and keeps its spec. */
  make(spec: GuestSpec): GuestFolder {
    const folder = this.at(spec.uuid);
    mkdirSync(folder.path, { recursive: true, mode: 0o700 });
    if (this.#socketRoot !== null) {
      makeOwn(this.#socketRoot);
      makeOwn(join(this.#socketRoot, spec.uuid));
    }
    writeFileSync(`${folder.specFile}.new`, `${JSON.stringify(spec, null, 2)}\n`, {
      mode: 0o600,
      flush: true,
    });
    renameSync(`${folder.specFile}.new`, folder.specFile);
    return folder;
  }

  /** Removes what the last run of a guest left, so that nobody takes it for the next. */
  clearRun(folder: GuestFolder): void {
    for (const file of [
      folder.pidFile,
      folder.qmpSocket,
      folder.serialSocket,
      folder.stdoutFile,
      folder.stderrFile,
    ]) {
      rmSync(file, { force: true });
    }
  }

  remove(uuid: string): void {
    rmSync(this.at(uuid).path, { recursive: true, force: true });
    if (this.#socketRoot === null) return;
    rmSync(join(this.#socketRoot, uuid), { recursive: true, force: true });
    try {
      rmdirSync(this.#socketRoot); // the last guest takes it along
    } catch {
      // others are in it
    }
  }

  /** The kept spec; null if there is none, as in a folder whose making was cut short. */
  readSpec(uuid: string): GuestSpec | null {
    const file = this.at(uuid).specFile;
    if (!existsSync(file)) return null;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as GuestSpec;
    } catch (error) {
      throw new CoaxError('COAX_HYPERVISOR', `${file} cannot be read: ${textOf(error)}`, { where: file });
    }
  }

  /** uuids of all folders, whole or not, sorted. */
  list(): string[] {
    return existsSync(this.root) ? readdirSync(this.root).filter(isUuid).sort() : [];
  }
}

/** Not $XDG_RUNTIME_DIR: it is removed when its user logs out, and guests live on. */
function runFolder(): string {
  return process.getuid?.() === 0 && existsSync('/run') ? '/run' : '/tmp';
}

/** A folder of ours with mode 0700. In /tmp somebody else may have made one of that name to catch our sockets. */
function makeOwn(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new CoaxError('COAX_HYPERVISOR', `${path} belongs to somebody else`, {
      where: path,
      hint: 'Remove it, or use a data directory with a shorter path.',
    });
  }
  chmodSync(path, 0o700);
}
