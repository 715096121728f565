import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Fault } from '../errors/coax-error.ts';
import { isCoaxError } from '../errors/coax-error.ts';
import { isFlowDefinition } from '../flow/define-flow.ts';
import type { FlowDefinition } from '../flow/flow.ts';
import { parseFlow } from '../flow/parse-flow.ts';
import { importExplained, isModuleFile } from './load-modules.ts';
import { namesIn, watchFolders } from './source/folder-watch.ts';
import { oneAtATime, onlyNew, SourceFiles } from './source/source-files.ts';

/** The flows that this process knows, from folders of `*.yaml`, `*.yml` and `*.ts`. */
export interface FlowBook {
  /** A lookup in memory. */
  find(name: string): FlowDefinition | null;
  /** Sorted by name. */
  list(): readonly FlowDefinition[];
  /** Files that cannot be used, and why; the last good version of each stays in use. */
  faults(): readonly Fault[];
  refresh(): Promise<readonly Fault[]>;
  /** Follows changes from now on: usually within 50 ms, at the latest after a second. Returns itself. */
  watch(): FlowBook;
  close(): void;
}

export interface FlowBookOptions {
  readonly dirs: readonly string[];
  /** Called once for each file that cannot be used, when that is seen. */
  readonly onFault?: (fault: Fault) => void;
}

/** Opens folders of flows; the first folder that gives a name wins (the first one is Coax's own). Empty until `refresh`. */
export function openFlows(options: FlowBookOptions): FlowBook {
  const dirs = options.dirs.map(dir => resolve(dir));
  const sources = new SourceFiles(loadFlow);
  const tell = onlyNew(options.onFault);
  let flows: ReadonlyMap<string, FlowDefinition> = new Map();
  let faults: readonly Fault[] = [];
  let watching: { close(): void } | null = null;

  const refresh = oneAtATime(async (): Promise<readonly Fault[]> => {
    const files = dirs.flatMap(dir =>
      namesIn(dir)
        .filter(isFlowFile)
        .map(name => join(dir, name)),
    );
    if (await sources.update(files)) {
      [flows, faults] = indexOf(files, sources);
      tell(faults);
    }
    return faults;
  });

  const book: FlowBook = {
    find: name => flows.get(name) ?? null,
    list: () => [...flows.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    faults: () => faults,
    refresh,
    watch() {
      // What a refresh finds wrong is in faults(); nothing else of it can fail.
      watching ??= watchFolders(dirs, () => void refresh().catch(() => {}));
      return book;
    },
    close() {
      watching?.close();
      watching = null;
    },
  };
  return book;
}

const isFlowFile = (name: string): boolean => /\.ya?ml$/.test(name) || isModuleFile(name);

function indexOf(
  files: readonly string[],
  sources: SourceFiles<FlowDefinition>,
): [Map<string, FlowDefinition>, Fault[]] {
  const flows = new Map<string, FlowDefinition>();
  const faults: Fault[] = [];
  for (const file of files) {
    const { good = null, fault = null } = sources.get(file) ?? {};
    if (fault !== null)
      faults.push({
        where: file,
        reason: good === null ? fault : `${fault}; its last good version stays in use`,
      });
    if (good === null) continue;
    const first = flows.get(good.name);
    if (first === undefined) flows.set(good.name, good);
    else
      faults.push({
        where: file,
        reason: `the flow ${good.name} is given by ${first.file} already, which is used`,
      });
  }
  return [flows, faults];
}

/** Reads one flow file. Throws with a reason that has the place in it. */
async function loadFlow(file: string): Promise<{ value: FlowDefinition; files: readonly string[] }> {
  if (!file.endsWith('.ts')) return { value: fromYaml(file), files: [file] };
  const { exports, files } = await importExplained(file);
  const flow = exports.default;
  if (!isFlowDefinition(flow))
    throw Object.assign(new Error('its default export does not come from defineFlow({…})'), { files });
  return { value: { ...flow, file, source: readFileSync(file, 'utf8') }, files };
}

function fromYaml(file: string): FlowDefinition {
  try {
    return parseFlow(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (!isCoaxError(error)) throw error;
    throw new Error(`${error.where}: ${error.reason}. ${error.hint}`, { cause: error });
  }
}
