import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { textOf } from '../errors/coax-error.ts';
import { faultOfProgram } from '../linux/process/start-fault.ts';
import { NAME } from '../message/limits.ts';
import type { Action } from './contract.ts';
import { type ActionDeclaration, readModuleFile, UNDECLARED } from './executable/module-file.ts';
import { makeExecutable } from './executable.ts';
import { makeLibraryAction } from './library/library-action.ts';
import { LIBRARY_FILE, readLibraryFile } from './library/library-file.ts';

/** Dotfiles, what editors leave behind, files for readers, and shared objects. */
const NOT_AN_ACTION = /^\.|^#.*#$|~$|^README|^LICENSE|^(?:module|library)\.yaml$|\.so(?:\.\d+)*$/;
const ANY_EXECUTE_BIT = 0o111;

export interface LoadedExecutables {
  /** Sorted by module and name; a faulty file is here too, and running it says what is wrong. */
  readonly actions: Action[];
  readonly faults: { readonly file: string; readonly reason: string }[];
}

/**
 * Finds the executables `dir/NAME/ACTION`, and the functions that `dir/NAME/library.yaml` names. Dotfiles, README, backups, folders inside a module and files
 * that have a dot in their name and are not executable (libraries, data) are no actions. Never throws: what cannot be
 * read is a fault. A folder that does not exist holds nothing.
 */
export function loadExecutables(dir: string): LoadedExecutables {
  const loaded: LoadedExecutables = { actions: [], faults: [] };
  const root = resolve(dir);
  for (const module of namesIn(root, loaded)) {
    const folder = join(root, module);
    if (module.startsWith('.') || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    if (NAME.test(module)) loadModule(folder, module, loaded);
    else if (namesIn(folder, loaded).length > 0)
      loaded.faults.push({
        file: folder,
        reason: `${module} cannot be a module's name: small letters, digits, _ and - are allowed`,
      });
  }
  return loaded;
}

function loadModule(folder: string, module: string, loaded: LoadedExecutables): void {
  const moduleFile = join(folder, 'module.yaml');
  const read = readModuleFile(moduleFile);
  const declarations: ReadonlyMap<string, ActionDeclaration> =
    'declarations' in read ? read.declarations : new Map();
  if ('fault' in read) loaded.faults.push({ file: moduleFile, reason: read.fault });
  const found = new Set<string>();
  for (const name of namesIn(folder, loaded)) {
    const file = join(folder, name);
    if (NOT_AN_ACTION.test(name)) continue;
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) continue;
    if (!NAME.test(name)) {
      if (stat && (stat.mode & ANY_EXECUTE_BIT) !== 0)
        loaded.faults.push({
          file,
          reason: `${name} cannot be an action's name: small letters, digits, _ and - are allowed`,
        });
      continue;
    }
    found.add(name);
    loaded.actions.push(makeExecutable(module, name, file, declarations.get(name) ?? UNDECLARED));
    const fault = faultOfProgram(file);
    if (fault !== null) loaded.faults.push({ file, reason: fault });
  }
  loadLibrary(folder, module, loaded);
  for (const name of declarations.keys()) {
    if (!found.has(name))
      loaded.faults.push({ file: moduleFile, reason: `declares ${name}, but there is no such file` });
  }
}

function loadLibrary(folder: string, module: string, loaded: LoadedExecutables): void {
  const file = join(folder, LIBRARY_FILE);
  const library = readLibraryFile(folder);
  if (library === null) return;
  if ('fault' in library) loaded.faults.push({ file, reason: library.fault });
  else
    for (const action of library.actions)
      loaded.actions.push(makeLibraryAction(module, file, library, action));
}

function namesIn(folder: string, loaded: LoadedExecutables): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      loaded.faults.push({ file: folder, reason: textOf(error) });
    return [];
  }
}
