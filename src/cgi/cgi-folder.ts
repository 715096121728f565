import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, textOf } from '../errors/coax-error.ts';
import { faultOfProgram } from '../linux/process/start-fault.ts';
import { signatureOf } from '../step/source/folder-watch.ts';
import { RunSlots } from './run-slots.ts';
import { findScript, kindOf, NEVER_A_SCRIPT, type NoScript, type ScriptPath } from './script-path.ts';
import { type CgiSettings, readSettings, type ScriptSettings, SETTINGS_FILE } from './settings.ts';

const LISTED_MAX = 1000;
const ANY_MAY_WRITE = 0o002;

/** A script as it is listed. */
export interface CgiScript extends ScriptSettings {
  readonly name: string;
  readonly file: string;
  /** Why it cannot be started; null if it can. */
  readonly fault: string | null;
}

/** A folder of CGI scripts that is served: each change in it, and in its settings, counts from the next request on. */
export class CgiFolder {
  readonly dir: string;
  readonly slots = new RunSlots();
  #settings: CgiSettings;
  #signature: string;
  #fault: Fault | null = null;

  /** Errors: COAX_USAGE if its settings cannot be used. */
  constructor(dir: string) {
    this.dir = dir;
    this.#signature = signatureOf(join(dir, SETTINGS_FILE));
    this.#settings = readSettings(dir);
  }

  /** As the file says now; what it said last while it cannot be used. */
  get settings(): CgiSettings {
    const file = join(this.dir, SETTINGS_FILE);
    const signature = signatureOf(file);
    if (signature !== this.#signature) {
      this.#signature = signature;
      try {
        this.#settings = readSettings(this.dir);
        this.#fault = null;
      } catch (error) {
        this.#fault = { where: file, reason: `${textOf(error)}; what it said last stays in use` };
      }
    }
    return this.#settings;
  }

  find(encodedPath: string): ScriptPath | NoScript {
    return findScript(this.dir, encodedPath);
  }

  /** Every script, sorted by name; the first 1,000. */
  list(): CgiScript[] {
    const { settings } = this;
    return this.#names('').map(name => {
      const file = join(this.dir, name);
      return { name, file, fault: faultOfProgram(file), ...settings.of(name) };
    });
  }

  /** What is wrong with the folder, its settings and its scripts. */
  faults(): Fault[] {
    const { settings, dir } = this;
    const faults: Fault[] = [];
    const mode = statSync(dir, { throwIfNoEntry: false })?.mode;
    if (mode === undefined) faults.push({ where: dir, reason: 'there is no such folder' });
    else if ((mode & ANY_MAY_WRITE) !== 0)
      faults.push({ where: dir, reason: 'every user of this machine may put a script there; chmod o-w' });
    if (this.#fault !== null) faults.push(this.#fault);
    const scripts = this.list();
    for (const { file, fault } of scripts) if (fault !== null) faults.push({ where: file, reason: fault });
    const names = new Set(scripts.map(({ name }) => name));
    for (const name of settings.named)
      if (!names.has(name))
        faults.push({
          where: join(dir, SETTINGS_FILE),
          reason: `speaks of ${name}, which is no script there`,
        });
    return faults;
  }

  /** Changes whenever the list, or the settings, would. */
  signature(): string {
    const files = ['', SETTINGS_FILE, ...this.#names('')];
    return files.map(name => `${name} ${signatureOf(join(this.dir, name))}`).join('\n');
  }

  #names(folder: string): string[] {
    let entries: string[];
    let root: string;
    try {
      root = realpathSync(this.dir);
      entries = readdirSync(join(this.dir, folder)).sort();
    } catch {
      return [];
    }
    const names: string[] = [];
    for (const entry of entries) {
      if (NEVER_A_SCRIPT.test(entry) || entry === SETTINGS_FILE) continue;
      const name = folder === '' ? entry : `${folder}/${entry}`;
      const kind = kindOf(join(this.dir, name), root);
      if (kind === 'script') names.push(name);
      else if (kind === 'folder' && name.split('/').length < 8) names.push(...this.#names(name));
    }
    return names.slice(0, LISTED_MAX);
  }
}
