import { canonical } from '../message/canonical.ts';
import type { MessageState, Parameters, Plan } from '../message/message.ts';
import { mapSealed, shownSealed } from '../message/secret/sealed.ts';
import { stepLabel } from '../message/step-label.ts';
import { isMembers } from './accepted.ts';
import type { Commit } from './commit.ts';
import { foldCommits } from './fold.ts';
import { replayCommit } from './replay.ts';

/** One message with its whole chain, to be exported. */
export interface ExportMessage {
  readonly msgid: number;
  readonly flow: string;
  readonly plan: Plan;
  readonly created: number;
  readonly commits: readonly Commit[];
}

/**
 * The ledger as a stream for `git fast-import` (git-fast-import(1)): a new repository whose branch `main` has one git
 * commit for each ledger commit, in the order of time. `messages/MSGID/parameters.json` has one parameter a line, so
 * `git blame` names the step that set it, secrets as views show them; `messages/MSGID/message.yaml` says where the message stands.
 *
 * Takes messages in the order of their msgids; keeps only those in memory whose commits overlap in time. Errors:
 * COAX_STORE_CORRUPT when a chain does not replay.
 */
export async function* gitExport(
  messages: AsyncIterable<ExportMessage> | Iterable<ExportMessage>,
): AsyncGenerator<string> {
  yield 'feature done\n';
  for await (const entry of inOrderOfTime(messages)) yield commitText(entry);
  yield 'done\n';
}

/** A message on its way through the export. */
interface Walk {
  readonly message: ExportMessage;
  /** Index of the next commit to write. */
  at: number;
  /** Its place in time: never before the commit ahead of it, whatever the clocks of workers said. */
  due: number;
  state: MessageState | null;
  parameters: Parameters;
}

async function* inOrderOfTime(
  messages: AsyncIterable<ExportMessage> | Iterable<ExportMessage>,
): AsyncGenerator<Entry> {
  let walks: Walk[] = [];
  for await (const message of messages) {
    // Whatever lies before the start of this message is complete: later ones were accepted later.
    yield* drain(walks, message.created);
    walks = walks.filter(walk => walk.at < walk.message.commits.length);
    const due = message.commits[0]?.finished;
    if (due !== undefined) walks.push({ message, at: 0, due, state: null, parameters: {} });
  }
  yield* drain(walks, Number.POSITIVE_INFINITY);
}

function* drain(walks: readonly Walk[], until: number): Generator<Entry> {
  for (;;) {
    let first: Walk | null = null;
    for (const walk of walks) {
      if (walk.at === walk.message.commits.length || walk.due >= until) continue;
      if (first === null || walk.due < first.due) first = walk;
    }
    if (first === null) return;
    yield step(first);
  }
}

interface Entry {
  readonly message: ExportMessage;
  readonly commit: Commit;
  readonly state: MessageState;
  readonly parameters: Parameters;
}

function step(walk: Walk): Entry {
  const { message } = walk;
  const commit = message.commits[walk.at] as Commit;
  walk.state = replayCommit(walk.state, message.plan, commit);
  walk.parameters = foldCommits(walk.parameters, [commit]);
  walk.at += 1;
  walk.due = Math.max(walk.due, message.commits[walk.at]?.finished ?? walk.due);
  return { message, commit, state: walk.state, parameters: walk.parameters };
}

function commitText({ message, commit, state, parameters }: Entry): string {
  const folder = `messages/${message.msgid}`;
  return [
    'commit refs/heads/main\n',
    `author ${identity(commit.worker ?? commit.actor)} ${seconds(commit.started)} +0000\n`,
    `committer ${identity(commit.actor)} ${seconds(commit.finished)} +0000\n`,
    data(describe(message, commit)),
    `M 100644 inline ${folder}/message.yaml\n`,
    data(messageYaml(message, state)),
    `M 100644 inline ${folder}/parameters.json\n`,
    data(parametersJson(message.msgid, parameters)),
    '\n',
  ].join('');
}

const utf8 = new TextEncoder();
const data = (text: string): string => `data ${utf8.encode(text).length}\n${text}\n`;
const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1000));

/** Name and address of who did it; git's own marks and control characters have no place in a name. */
function identity(name: string): string {
  const clean = name.replaceAll(/[\p{Cc}<>]/gu, ' ').trim() || 'unknown';
  const local = clean.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return `${clean} <${local}@coax>`;
}

function describe(message: ExportMessage, commit: Commit): string {
  const what = commit.step ?? (commit.outcome === 'accepted' ? message.flow : '');
  const undo = commit.mode === 'rollback' && commit.step !== null ? 'undo ' : '';
  const reason = isMembers(commit.detail) ? commit.detail.reason : undefined;
  const subject = `${message.msgid} ${oneLine(what)}`.trim();
  const lines = [`${subject}: ${undo}${commit.outcome}`, ''];
  if (commit.error !== undefined) lines.push(`${commit.error.code}: ${commit.error.reason}`, '');
  if (typeof reason === 'string' && reason !== '') lines.push(reason, '');
  lines.push(
    `Coax-Commit: ${commit.id}`,
    `Coax-Message: ${commit.msgid}`,
    `Coax-Seq: ${commit.seq}`,
    `Coax-Finished: ${new Date(commit.finished).toISOString()}`,
  );
  if (commit.attempt > 1) lines.push(`Coax-Attempt: ${commit.attempt}`);
  if (commit.code !== null) lines.push(`Coax-Code: ${commit.code}`);
  // A NUL would end the text for git.
  return `${lines.join('\n').replaceAll('\0', '\ufffd')}\n`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** A member that no parameter can be named as stands last, so that adding a parameter changes no other line. */
function parametersJson(msgid: number, parameters: Parameters): string {
  const lines = Object.keys(parameters)
    .sort()
    .map(
      name => `  ${JSON.stringify(name)}: ${canonical(mapSealed(parameters[name] ?? null, shownSealed))},\n`,
    );
  return `{\n${lines.join('')}  "$message": ${msgid}\n}\n`;
}

/** JSON strings are YAML strings, so nothing in a name can break out of its line. */
function messageYaml({ msgid, flow, plan }: ExportMessage, state: MessageState): string {
  const lines = [
    `msgid: ${msgid}`,
    `flow: ${JSON.stringify(flow)}`,
    `mode: ${state.mode}`,
    `cursor: ${state.cursor}`,
    `phase: ${state.phase}`,
  ];
  if (state.attempt > 0) lines.push(`attempts_failed: ${state.attempt}`);
  if (state.cause !== null) lines.push(`cause: ${state.cause}`);
  if (state.error !== null)
    lines.push(`error: ${JSON.stringify(`${state.error.code}: ${state.error.reason}`)}`);
  if (state.undoError !== null) {
    lines.push(`undo_error: ${JSON.stringify(`${state.undoError.code}: ${state.undoError.reason}`)}`);
  }
  if (state.rewindTo !== null) lines.push(`rewind_to: ${state.rewindTo}`);
  lines.push('steps:', ...plan.steps.map(planned => `  - ${JSON.stringify(stepLabel(planned))}`));
  return `${lines.join('\n')}\n`;
}
