import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Engine } from '../../linux/repl/engine.ts';
import type { Answer, Request } from '../../linux/repl/engine-words.ts';
import { manSummary } from '../../linux/repl/man-summary.ts';
import type { Output } from '../output/output.ts';

const PROMPT = 'linux> ';
const MORE = '  ...> ';
const HISTORY_LINES = 1000;
const HELP = `libc.NAME(…)                call a function of libc or libm
NAME, C.NAME                a constant, such as O_CREAT
struct('stat')              memory of a struct, with its fields; fields(s) shows them
text(p), bytes(p, n)        what lies at an address
net.links()                 also addresses, routes, neighbours; net.changes(seconds); net.family('nlctrl'); net.processAccounts(pid)
proc.stat(pid)              also status, io, memory, files, cgroups, threads; proc.disks()
_IOR('T', 210, 4)           the number of an ioctl; also _IO, _IOW, _IOWR
.doc NAME                   a function, struct or constant, and its manual page
.time EXPRESSION            how long it takes
.load FILE HEADER [NAME]    functions of another shared object, with the types of a header, or of a table in JSON
.exit                       or ^D`;

/** A conversation at a prompt: each line is evaluated and its value printed. */
export async function converse(engine: Engine, out: Output): Promise<number> {
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: readHistory(),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => completions(engine, line),
  });
  const isTyped = process.stdin.isTTY === true;
  if (isTyped) out.hint('libc.getpid() calls it. .help says more; .exit or ^D ends.');
  let begun = '';
  let isOver = false;
  prompt.once('close', () => {
    isOver = true;
  });
  const ready = (): void => {
    if (isOver || !isTyped) return;
    prompt.setPrompt(begun === '' ? PROMPT : MORE);
    prompt.prompt();
  };
  let interrupts = 0;
  let isBusy = false;
  prompt.on('SIGINT', () => {
    if (isBusy) {
      // A loop of JavaScript heeds the first; a call that blocks goes with its process at the second.
      interrupts += 1;
      engine.signal(interrupts === 1 ? 'SIGINT' : 'SIGKILL');
      return;
    }
    if (begun === '' && prompt.line === '') out.hint('\n.exit or ^D ends');
    else out.line();
    begun = '';
    prompt.write('', { ctrl: true, name: 'e' });
    prompt.write('', { ctrl: true, name: 'u' });
    ready();
  });
  ready();
  for await (const line of prompt) {
    if (isTyped) keep(line);
    const isCommand = begun === '' && line.trimStart().startsWith('.');
    if (isCommand && line.trim() === '.exit') break;
    const code = begun === '' ? line : `${begun}\n${line}`;
    isBusy = true;
    interrupts = 0;
    begun = isCommand ? await command(line.trim(), engine, out) : await evaluated(code, engine, out);
    isBusy = false;
    ready();
  }
  prompt.close();
  if (begun !== '') out.hint('the last lines are not complete');
  return 0;
}

/** What is still to be ended by further lines. */
async function evaluated(code: string, engine: Engine, out: Output): Promise<string> {
  if (code.trim() === '') return '';
  const answer = await asked({ kind: 'evaluate', code }, engine, out);
  if (answer?.kind === 'unfinished') return code;
  show(answer, out);
  return '';
}

async function command(line: string, engine: Engine, out: Output): Promise<string> {
  const [name = '', ...words] = line.split(/\s+/);
  const rest = line.slice(name.length).trim();
  if (name === '.help') out.line(HELP);
  else if (name === '.doc' && rest !== '') {
    const answer = await asked({ kind: 'describe', name: rest }, engine, out);
    show(answer, out);
    if (answer?.kind === 'function') {
      const manual = await manSummary(answer.name);
      out.line(manual === '' ? out.style('dim', '(no manual page is installed for it)') : manual);
    }
  } else if (name === '.time' && rest !== '')
    show(await asked({ kind: 'time', code: rest }, engine, out), out);
  else if (name === '.load' && words.length >= 2) {
    const [file = '', header = '', as] = words;
    const plain = as ?? /(?:^|\/)(?:lib)?(\w+)[^/]*$/.exec(file)?.[1] ?? 'library';
    show(await asked({ kind: 'load', name: plain, file, header }, engine, out), out);
  } else out.line('.doc NAME, .time EXPRESSION, .load FILE HEADER [NAME], .help, .exit');
  return '';
}

async function asked(request: Request, engine: Engine, out: Output): Promise<Answer | null> {
  const told = await engine.ask(request);
  if ('answer' in told) return told.answer;
  out.line(
    out.style(
      'red',
      `that ended the process which evaluates (${told.ended}); a new one begins, without what was defined`,
    ),
  );
  return null;
}

function show(answer: Answer | null, out: Output): void {
  if (answer === null) return;
  if (answer.kind === 'value' || answer.kind === 'function') {
    if (answer.text !== '') out.line(answer.text);
  } else if (answer.kind === 'error') {
    out.line(out.style('red', answer.text));
    if (answer.hint) out.line(out.style('dim', answer.hint));
  }
}

async function completions(engine: Engine, line: string): Promise<[string[], string]> {
  const told = await engine.ask({ kind: 'complete', line });
  if (!('answer' in told) || told.answer.kind !== 'completions') return [[], line];
  return [[...told.answer.names], told.answer.start];
}

function historyFile(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'coax/linux-history');
}

/** Newest first, as the prompt wants it. */
function readHistory(): string[] {
  const file = historyFile();
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(-HISTORY_LINES).reverse();
}

/** A history that cannot be kept is no reason to stop. */
function keep(line: string): void {
  if (line.trim() === '') return;
  try {
    mkdirSync(dirname(historyFile()), { recursive: true, mode: 0o700 });
    appendFileSync(historyFile(), `${line}\n`, { mode: 0o600 });
  } catch {}
}
