import { createHash } from 'node:crypto';
import type { Fault } from '../errors/coax-error.ts';
import { NAME } from '../message/limits.ts';
import { terminal } from '../message/outcome.ts';
import type { ActionSource } from '../step/catalogue.ts';
import type { Action, StepCall } from '../step/contract.ts';
import { notStarted } from '../step/executable/outcome.ts';
import { ProgramFile } from '../step/executable/program-code.ts';
import type { LoadedExecutables } from '../step/load-executables.ts';
import type { CgiFolder, CgiScript } from './cgi-folder.ts';
import { isNonParsed } from './run-script.ts';
import type { ScriptRequest } from './settings.ts';
import { stepOutcome } from './step-outcome.ts';

/** The module whose actions are the scripts. */
const MODULE = 'cgi';

/**
 * The scripts of a folder as actions of the module `cgi`, named like their files without the ending: `adduser.pl` is
 * `cgi adduser`. A script whose name no flow can write, or whose name is taken, is a fault.
 */
function cgiActions(folder: CgiFolder): LoadedExecutables {
  const actions = new Map<string, Action>();
  const faults: { file: string; reason: string }[] = folder
    .faults()
    .map(({ where, reason }: Fault) => ({ file: where, reason }));
  for (const script of folder.list()) {
    if (isNonParsed(script.name)) continue;
    const name = actionName(script.name);
    const { file } = script;
    if (!NAME.test(name))
      faults.push({
        file,
        reason: `no flow can name "${MODULE} ${name}": a letter first, 63 characters at most`,
      });
    else if (actions.has(name))
      faults.push({ file, reason: `${MODULE} ${name} is ${actions.get(name)!.file} already, which is used` });
    else actions.set(name, makeAction(folder, name, script));
  }
  return { actions: [...actions.values()], faults };
}

/** The same, as the catalogue follows it. */
export function cgiSource(folder: CgiFolder): ActionSource {
  return { dir: folder.dir, signature: () => folder.signature(), load: () => cgiActions(folder) };
}

/** `Add-User.pl` → `add-user`; folders and what a name cannot have become `_`. */
function actionName(script: string): string {
  return script
    .replace(/(?<=[^/])\.[^./]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '_');
}

function makeAction(folder: CgiFolder, name: string, script: CgiScript): Action {
  const { step } = script;
  const program = new ProgramFile(script.file);
  return {
    module: MODULE,
    name,
    kind: 'executable',
    get code() {
      return createHash('sha256')
        .update(`${program.look().hash}\n${JSON.stringify(step)}`)
        .digest('hex');
    },
    undoable: step.undo !== undefined,
    about: script.about,
    input: null,
    output: null,
    file: script.file,
    run: (call: StepCall) => runAction(folder, script, program, call),
  };
}

async function runAction(folder: CgiFolder, script: CgiScript, program: ProgramFile, call: StepCall) {
  const { step, name } = script;
  if (call.mode === 'normal') return ask(folder, script, program, step, call);
  if (step.undo === undefined)
    return terminal('COAX_STEP_IRREVERSIBLE', `cgi.yaml does not say how ${name} is undone`);
  if (step.undo === 'none') return { kind: 'ok' as const, set: {} };
  const other = step.undo.script ?? name;
  if (other === name) return ask(folder, script, program, step.undo, call);
  const found = folder.list().find(one => one.name === other);
  if (found === undefined)
    return terminal('COAX_STEP_START', `there is no script ${other} that undoes ${name}`);
  return ask(folder, found, new ProgramFile(found.file), step.undo, call);
}

async function ask(
  folder: CgiFolder,
  script: CgiScript,
  program: ProgramFile,
  request: ScriptRequest,
  call: StepCall,
) {
  const { fault } = program.look();
  if (fault !== null) return notStarted(fault, call);
  const giveBack = await folder.slots.take(
    { running: folder.settings.running, waiting: Infinity },
    call.signal,
  );
  try {
    return await stepOutcome(script, request, folder.settings.documents, call);
  } finally {
    giveBack();
  }
}
