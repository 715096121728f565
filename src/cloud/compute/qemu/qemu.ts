import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError, isCoaxError, textOf } from '../../../errors/coax-error.ts';
import { findProgram, ProgramMissing, spawnDetached } from '../../../linux/process/exec.ts';
import { openStockImage, type StockImage } from '../../image/stock-image.ts';
import type { HostNetwork } from '../../network/host-network.ts';
import { checkSame, checkSpec, guestOf, noSuchGuest } from '../guest-spec.ts';
import type { Guest, GuestSpec, Hypervisor } from '../hypervisor.ts';
import { type Accelerator, QEMU, qemuArguments } from './command-line.ts';
import { type GuestFolder, GuestFolders } from './guest-folder.ts';
import {
  findGuestProcess,
  type GuestProcess,
  isAlive,
  isFrozen,
  listGuestProcesses,
  signalProcess,
  startedProcess,
  waitForEnd,
} from './guest-process.ts';
import { probeAccelerator } from './kvm-probe.ts';
import { withQmp } from './qmp.ts';
import { trimSerialLog } from './serial-log.ts';

export interface QemuOptions {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly hostNetwork: HostNetwork;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A starting QEMU answers after 0.1 s; a host with many starting at once is given longer. */
const ANSWER_MS = 30_000;
/** A QEMU that was found already running: it was started by somebody who is gone. */
const ADOPT_MS = 10_000;
const LOOK_MS = 2000;
const QUIT_MS = 5000;

/**
 * QEMU on this host, with the stock image built. Whether KVM works is found out meanwhile, and the first create waits
 * for it. Errors: COAX_TOOL_MISSING.
 */
export async function openQemu(options: QemuOptions): Promise<QemuHypervisor> {
  if (!findProgram(QEMU)) {
    throw new CoaxError('COAX_TOOL_MISSING', `${QEMU} is not installed`, {
      hint: 'Run `apt-get install --no-install-recommends qemu-system-x86` as root; --simulate works without.',
    });
  }
  mkdirSync(resolve(options.dataDir), { recursive: true, mode: 0o700 });
  const image = await openStockImage(options.cacheDir, options.onProgress, options.signal);
  return new QemuHypervisor(options, image);
}

/**
 * Guests as QEMU processes, each with a folder of its own in `vms/`. Nothing is kept in memory: what is true is read
 * from the folders and from /proc. An aborted call leaves what it had begun; the next create adopts or cleans it.
 */
export class QemuHypervisor implements Hypervisor {
  readonly kind = 'qemu';
  readonly #options: QemuOptions;
  readonly #folders: GuestFolders;
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #probe: Promise<Accelerator>;
  #image: StockImage;
  #accelerator: Accelerator = 'tcg';

  constructor(options: QemuOptions, image: StockImage) {
    this.#options = options;
    this.#image = image;
    this.#folders = new GuestFolders(options.dataDir);
    this.#probe = probeAccelerator(options.cacheDir, image).catch(() => 'tcg' as const);
    void this.#probe.then(found => {
      this.#accelerator = found;
    });
  }

  get accelerator(): Accelerator {
    return this.#accelerator;
  }

  /** What the probe found, once it has. */
  get probed(): Promise<Accelerator> {
    return this.#probe;
  }

  create(spec: GuestSpec, signal: AbortSignal): Promise<Guest> {
    return this.#alone(spec.uuid, signal, async () => {
      checkSpec(spec);
      const folder = this.#folders.at(spec.uuid);
      const running = findGuestProcess(folder);
      if (running) {
        const kept = this.#folders.readSpec(spec.uuid);
        if (kept) checkSame(kept, spec);
        if (kept && (await this.#answers(folder, running, ADOPT_MS, signal)))
          return await this.#look(kept, running);
        await this.#end(running, signal);
      }
      try {
        return await this.#boot(spec, signal);
      } catch (error) {
        // After an abort somebody else may own the guest by now.
        if (!signal.aborted && !findGuestProcess(folder)) await this.#remove(spec.uuid);
        throw error;
      }
    });
  }

  destroy(uuid: string, signal: AbortSignal): Promise<void> {
    return this.#alone(uuid, signal, async () => {
      const folder = this.#folders.at(uuid);
      for (let found = findGuestProcess(folder); found; found = findGuestProcess(folder)) {
        await this.#end(found, signal);
      }
      await this.#remove(uuid);
    });
  }

  start(uuid: string, signal: AbortSignal): Promise<Guest> {
    return this.#alone(uuid, signal, async () => {
      const spec = this.#specOf(uuid);
      const folder = this.#folders.at(uuid);
      const running = findGuestProcess(folder);
      if (running) {
        if (await this.#answers(folder, running, ADOPT_MS, signal)) return await this.#look(spec, running);
        throw unanswering(uuid);
      }
      return await this.#boot(spec, signal);
    });
  }

  stop(uuid: string, graceMs: number, signal: AbortSignal): Promise<Guest> {
    return this.#alone(uuid, signal, async () => {
      const spec = this.#specOf(uuid);
      const folder = this.#folders.at(uuid);
      const running = findGuestProcess(folder);
      if (running) {
        await this.#pressPowerButton(folder, running, graceMs, signal);
        await this.#end(running, signal);
      }
      this.#folders.clearRun(folder);
      if (spec.network.mode === 'tap') await this.#options.hostNetwork.detach(uuid);
      return guestOf(spec, STOPPED);
    });
  }

  reboot(uuid: string, signal: AbortSignal): Promise<Guest> {
    return this.#alone(uuid, signal, async () => {
      const spec = this.#specOf(uuid);
      const running = findGuestProcess(this.#folders.at(uuid));
      if (!running) {
        throw new CoaxError('COAX_HYPERVISOR', `guest ${spec.name} is stopped, so it cannot be reset`, {
          where: uuid,
          hint: 'Start it.',
        });
      }
      await withQmp(this.#folders.at(uuid).qmpSocket, qmp => qmp.execute('system_reset'));
      return await this.#look(spec, running);
    });
  }

  async find(uuid: string): Promise<Guest | null> {
    const spec = this.#folders.readSpec(uuid);
    return spec && (await this.#look(spec, findGuestProcess(this.#folders.at(uuid))));
  }

  async list(): Promise<readonly Guest[]> {
    const running = new Map(listGuestProcesses(this.#folders.root).map(found => [found.uuid, found]));
    const guests: Guest[] = [];
    const uuids = this.#folders.list();
    const lookAtSome = async (): Promise<void> => {
      for (let uuid = uuids.shift(); uuid !== undefined; uuid = uuids.shift()) {
        const spec = this.#folders.readSpec(uuid);
        if (!spec) continue;
        trimSerialLog(this.#folders.at(uuid).serialLog);
        guests.push(await this.#look(spec, running.get(uuid) ?? null));
      }
    };
    await Promise.all(Array.from({ length: 16 }, lookAtSome));
    return guests.sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  }

  async consoleTail(uuid: string, bytes: number): Promise<string> {
    this.#specOf(uuid);
    const log = this.#folders.at(uuid).serialLog;
    if (!existsSync(log)) return '';
    const file = openSync(log, 'r');
    try {
      const { size } = fstatSync(file);
      const tail = Buffer.alloc(Math.min(bytes, size));
      const length = readSync(file, tail, 0, tail.length, size - tail.length);
      return tail.toString('utf8', 0, length);
    } finally {
      closeSync(file);
    }
  }

  /** One operation at a time for each guest; what it throws is the signal's reason or a CoaxError. */
  #alone<T>(uuid: string, signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      signal.throwIfAborted();
      try {
        return await operation();
      } catch (error) {
        throw signal.aborted ? signal.reason : asCoaxError(error, uuid);
      }
    };
    const before = this.#busy.get(uuid) ?? Promise.resolve();
    const mine = before.then(run, run);
    this.#busy.set(uuid, mine);
    const forget = () => {
      if (this.#busy.get(uuid) === mine) this.#busy.delete(uuid);
    };
    mine.then(forget, forget);
    return mine;
  }

  #specOf(uuid: string): GuestSpec {
    const spec = this.#folders.readSpec(uuid);
    if (!spec) throw noSuchGuest(uuid);
    return spec;
  }

  async #boot(spec: GuestSpec, signal: AbortSignal): Promise<Guest> {
    const { hostNetwork } = this.#options;
    const accelerator = await this.#probe;
    const image = await this.#wholeImage(signal);
    signal.throwIfAborted();
    const folder = this.#folders.make(spec);
    this.#folders.clearRun(folder);
    const tap = spec.network.mode === 'tap' ? await this.#tap(spec, hostNetwork) : null;
    const args = qemuArguments(spec, folder, image, accelerator, tap);
    const [program, all] = tap === null ? [QEMU, args] : hostNetwork.inside(QEMU, args);
    signal.throwIfAborted();
    const pid = await spawnDetached(program, all, {
      stdoutFile: folder.stdoutFile,
      stderrFile: folder.stderrFile,
      cwd: '/',
    });
    const started = startedProcess(spec.uuid, pid);
    if (started && (await this.#answers(folder, started, ANSWER_MS, signal)))
      return await this.#look(spec, started);
    // QEMU locks its pid file: if ours gave way, another worker's may have been first.
    const other = findGuestProcess(folder);
    if (other && (await this.#answers(folder, other, ADOPT_MS, signal))) return await this.#look(spec, other);
    if (other) await this.#end(other, signal);
    const said = lastLines(folder.stderrFile);
    throw new CoaxError(
      'COAX_HYPERVISOR',
      `QEMU did not start guest ${spec.name}: ${said || 'it said nothing'}`,
      {
        where: spec.uuid,
      },
    );
  }

  async #tap(spec: GuestSpec, hostNetwork: HostNetwork): Promise<string> {
    const tap = await hostNetwork.attach(spec.uuid);
    if (tap !== null) return tap;
    throw new CoaxError(
      'COAX_HYPERVISOR',
      `guest ${spec.name} has an address for a tap, and this host has none now`,
      {
        where: spec.uuid,
        hint: `The network's mode is user: ${hostNetwork.reason}.`,
      },
    );
  }

  /** The image, built again if somebody emptied the cache. */
  async #wholeImage(signal: AbortSignal): Promise<StockImage> {
    if (!existsSync(this.#image.kernel) || !existsSync(this.#image.initrd)) {
      this.#image = await openStockImage(this.#options.cacheDir, this.#options.onProgress, signal);
    }
    return this.#image;
  }

  /** Waits until the monitor says that it is this guest's; false when the process ends or the time is over. */
  async #answers(
    folder: GuestFolder,
    started: GuestProcess,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (isAlive(started) && !isFrozen(started) && performance.now() < deadline) {
      signal.throwIfAborted();
      try {
        const timeoutMs = Math.max(1, Math.min(LOOK_MS, deadline - performance.now()));
        const answer = await withQmp(folder.qmpSocket, qmp => qmp.execute('query-uuid'), { timeoutMs });
        if ((answer as { UUID: string }).UUID.toLowerCase() === folder.uuid) return isAlive(started);
      } catch {
        // not yet
      }
      await sleep(20, undefined, { signal });
    }
    return false;
  }

  async #look(spec: GuestSpec, running: GuestProcess | null): Promise<Guest> {
    if (!running || !isAlive(running)) return guestOf(spec, STOPPED);
    const { qmpSocket, serialSocket } = this.#folders.at(spec.uuid);
    const state = await stateOf(qmpSocket, running);
    return state === 'stopped'
      ? guestOf(spec, STOPPED)
      : guestOf(spec, { state, pid: running.pid, serialSocket });
  }

  /** Until it has ended or the grace is over. A guest that boots does not hear the button yet, so it is pressed again. */
  async #pressPowerButton(
    folder: GuestFolder,
    running: GuestProcess,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = performance.now() + graceMs;
    for (let left = graceMs; left > 0 && isAlive(running); left = deadline - performance.now()) {
      const timeoutMs = Math.max(1, Math.min(LOOK_MS, left));
      await withQmp(folder.qmpSocket, qmp => qmp.execute('system_powerdown'), { timeoutMs }).catch(() => {});
      if (await waitForEnd(running, Math.min(1000, deadline - performance.now()), signal)) return;
    }
  }

  /** SIGTERM is to QEMU what `quit` is, and needs no monitor that answers. */
  async #end(running: GuestProcess, signal: AbortSignal): Promise<void> {
    signalProcess(running, 'SIGTERM');
    if (!isFrozen(running) && (await waitForEnd(running, QUIT_MS, signal))) return;
    signalProcess(running, 'SIGKILL');
    if (await waitForEnd(running, QUIT_MS, signal)) return;
    throw new CoaxError('COAX_HYPERVISOR', `process ${running.pid} of guest ${running.uuid} does not end`, {
      where: running.uuid,
      hint: 'The kernel holds it, in I/O most likely; `dmesg` may tell.',
    });
  }

  async #remove(uuid: string): Promise<void> {
    await this.#options.hostNetwork.detach(uuid);
    this.#folders.remove(uuid);
  }
}

const STOPPED = { state: 'stopped', pid: null, serialSocket: null } as const;

async function stateOf(qmpSocket: string, running: GuestProcess): Promise<Guest['state']> {
  if (isFrozen(running)) return 'paused';
  try {
    const answer = await withQmp(qmpSocket, qmp => qmp.execute('query-status'), { timeoutMs: LOOK_MS });
    return (answer as { running: boolean }).running ? 'running' : 'paused';
  } catch {
    if (isFrozen(running)) return 'paused';
    // It starts, it ends, or another client has the monitor for longer than it should.
    return isAlive(running) ? 'running' : 'stopped';
  }
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join('; ').replaceAll(`${QEMU}: `, '');
  } catch (error) {
    return textOf(error);
  }
}

/** A full disk, a program that went away: whatever the system said, with where it was. */
function asCoaxError(error: unknown, uuid: string): CoaxError {
  if (isCoaxError(error)) return error;
  const code = error instanceof ProgramMissing ? 'COAX_TOOL_MISSING' : 'COAX_HYPERVISOR';
  return new CoaxError(code, textOf(error), { where: uuid, cause: error });
}

function unanswering(uuid: string): CoaxError {
  return new CoaxError('COAX_HYPERVISOR', `guest ${uuid} runs, and its monitor does not answer`, {
    where: uuid,
    hint: 'Stop it (by force, if it must be), then start it.',
  });
}
