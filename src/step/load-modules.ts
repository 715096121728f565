import { textOf } from '../errors/coax-error.ts';
import type { Action } from './contract.ts';
import { isModuleDefinition } from './define-module.ts';
import { importFresh } from './source/import-fresh.ts';

/** The actions of one TypeScript module. */
export interface LoadedModule {
  readonly name: string;
  readonly actions: readonly Action[];
}

/** Names of a folder's entries that are TypeScript modules. */
export function isModuleFile(name: string): boolean {
  return name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts');
}

/** Loads `NAME.ts`, whose default export is what `defineModule` gave. Throws with a reason for people. */
export async function loadModule(file: string): Promise<{ value: LoadedModule; files: readonly string[] }> {
  const { exports, files, hash } = await importExplained(file);
  const definition = exports.default;
  if (!isModuleDefinition(definition)) {
    throw Object.assign(new Error('its default export does not come from defineModule({…})'), { files });
  }
  return { value: { name: definition.name, actions: definition.fromFile({ file, hash }) }, files };
}

/** `importFresh`, with the line of the fault in the reason. */
export async function importExplained(file: string): ReturnType<typeof importFresh> {
  try {
    return await importFresh(file);
  } catch (error) {
    const at = /(\/[^\s()?]+\.ts)(?:\?coax=\d+)?:(\d+)/.exec(
      error instanceof Error ? (error.stack ?? '') : '',
    );
    const place = at === null ? '' : ` (${at[1]}:${at[2]})`;
    const { files = [] } = error as { files?: readonly string[] };
    throw Object.assign(
      new Error(`${textOf(error).replaceAll(/\?coax=\d+/g, '')}${place}`, { cause: error }),
      { files },
    );
  }
}
