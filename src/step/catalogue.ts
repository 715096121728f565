import { join, resolve } from 'node:path';
import type { Fault } from '../errors/coax-error.ts';
import { NAME } from '../message/limits.ts';
import type { Action, Catalogue } from './contract.ts';
import type { ModuleDefinition } from './define-module.ts';
import { loadExecutables } from './load-executables.ts';
import { isModuleFile, loadModule } from './load-modules.ts';
import { namesIn, signatureOfFolders, watchFolders } from './source/folder-watch.ts';
import { oneAtATime, onlyNew, SourceFiles } from './source/source-files.ts';

export interface CatalogueOptions {
  readonly builtin: readonly ModuleDefinition[];
  /** Folders of modules: `NAME.ts`, and executables `NAME/ACTION`. The first folder that gives an action wins. */
  readonly dirs: readonly string[];
  /** Programs of other kinds, beside the executables of the folders. */
  readonly sources?: readonly ActionSource[];
  /** Called once for each file that cannot be used, when that is seen. */
  readonly onFault?: (fault: Fault) => void;
}

/** A folder whose files are actions. */
export interface ActionSource {
  readonly dir: string;
  /** Changes whenever `load` would give something else. */
  signature(): string;
  load(): ReturnType<typeof loadExecutables>;
}

/** The catalogue with what keeps it up to date. */
export interface OpenCatalogue extends Catalogue {
  /** Looks at the folders now. Resolves to what cannot be used, and why; the last good version of it stays in use. */
  refresh(): Promise<readonly Fault[]>;
  faults(): readonly Fault[];
  /** Follows changes from now on: usually within 50 ms, at the latest after a second. Returns itself. */
  watch(): OpenCatalogue;
  close(): void;
}

/**
 * The actions that this process can run. Built-in ones are there at once, those of folders after the first `refresh`.
 * `find` is a lookup in memory, whatever happens on disk.
 */
export function openCatalogue({ builtin, ...options }: CatalogueOptions): OpenCatalogue {
  const dirs = options.dirs.map(dir => resolve(dir));
  const modules = new SourceFiles(loadModule);
  const sources = [...dirs.map(executablesIn), ...(options.sources ?? [])];
  const loaded = new Map<ActionSource, { signature: string; loaded: ReturnType<typeof loadExecutables> }>();
  const tell = onlyNew(options.onFault);
  let index = indexOf(builtin, [], []);
  let watching: { close(): void } | null = null;

  const refresh = oneAtATime(async (): Promise<readonly Fault[]> => {
    const files = dirs.flatMap(dir => moduleFilesIn(dir));
    let changed = await modules.update(files);
    for (const source of sources) {
      const signature = source.signature();
      if (loaded.get(source)?.signature === signature) continue;
      loaded.set(source, { signature, loaded: source.load() });
      changed = true;
    }
    if (changed) {
      const faults: Fault[] = [];
      const given = sources.flatMap(source => {
        const files = dirs.includes(source.dir) ? moduleFilesIn(source.dir) : [];
        const functions = files.flatMap(file => {
          const source = modules.get(file);
          if (source?.fault)
            faults.push({
              where: file,
              reason:
                source.good === null ? source.fault : `${source.fault}; its last good version stays in use`,
            });
          return source?.good?.actions ?? [];
        });
        const { actions = [], faults: bad = [] } = loaded.get(source)?.loaded ?? {};
        faults.push(...bad.map(({ file, reason }) => ({ where: file, reason })));
        return [...functions, ...actions];
      });
      index = indexOf(builtin, given, faults);
      tell(index.faults);
    }
    return index.faults;
  });

  const catalogue: OpenCatalogue = {
    find: (module, action) => index.byModule.get(module)?.get(action) ?? null,
    list: () => index.list,
    modules: () => index.modules,
    refresh,
    faults: () => index.faults,
    watch() {
      // What a refresh finds wrong is in faults(); nothing else of it can fail.
      watching ??= watchFolders(
        sources.map(({ dir }) => dir),
        () => void refresh().catch(() => {}),
      );
      return catalogue;
    },
    close() {
      watching?.close();
      watching = null;
    },
  };
  return catalogue;
}

const executablesIn = (dir: string): ActionSource => ({
  dir,
  signature: () => signatureOfFolders(dir),
  load: () => loadExecutables(dir),
});

const moduleFilesIn = (dir: string): string[] =>
  namesIn(dir)
    .filter(isModuleFile)
    .map(name => join(dir, name));

interface Index {
  readonly byModule: ReadonlyMap<string, ReadonlyMap<string, Action>>;
  readonly list: readonly Action[];
  readonly modules: readonly string[];
  readonly faults: readonly Fault[];
}

function indexOf(
  builtin: readonly ModuleDefinition[],
  given: readonly Action[],
  faults: readonly Fault[],
): Index {
  const byModule = new Map<string, Map<string, Action>>();
  const clashes: Fault[] = [];
  const add = (action: Action): void => {
    const actions = byModule.get(action.module) ?? new Map<string, Action>();
    const first = actions.get(action.name);
    if (first === undefined) actions.set(action.name, action);
    else
      clashes.push({
        where: action.file ?? action.module,
        reason: `${action.module} ${action.name} is given by ${first.file ?? 'a built-in module'} already, which is used`,
      });
    byModule.set(action.module, actions);
  };
  for (const { actions } of builtin) actions.forEach(add);
  const reserved = new Set(builtin.map(({ name }) => name));
  for (const action of given) {
    if (reserved.has(action.module)) {
      clashes.push({
        where: action.file ?? action.module,
        reason: `the module ${action.module} is built in and cannot be replaced: choose another name`,
      });
    } else if (!NAME.test(action.module) || !NAME.test(action.name)) {
      clashes.push({
        where: action.file ?? action.module,
        reason: `no flow can name "${action.module} ${action.name}": small letters, digits, _ and -, a letter first`,
      });
    } else add(action);
  }
  const compare = (a: Action, b: Action): number =>
    a.module < b.module ? -1 : a.module > b.module ? 1 : a.name < b.name ? -1 : 1;
  const list = [...byModule.values()].flatMap(actions => [...actions.values()]).sort(compare);
  return { byModule, list, modules: [...byModule.keys()].sort(), faults: [...faults, ...clashes] };
}
