import { CoaxError } from '../../errors/coax-error.ts';

/** Keys of a terminal: ends the line, takes a character back, drops the line, gives up. */
const ENTER = /[\r\n]/;
const BACK = /[\b\x7f]/;
const DROP = '\x15';
const GIVE_UP = /[\x03\x04]/;

/**
 * A line that nobody sees: typed at the terminal without an echo, else the first line of standard input. Errors: COAX_USAGE
 * when there is none.
 */
export async function askSecret(prompt: string): Promise<string> {
  const secret = process.stdin.isTTY ? await typed(prompt) : await piped();
  if (secret !== '') return secret;
  throw new CoaxError('COAX_USAGE', 'no token was given', {
    hint: 'Type or paste one, or pipe it: `coax login URL --with-token < FILE`.',
  });
}

async function piped(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0]!.trim();
}

async function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  // Echo ends before anybody is asked: a token that is pasted as soon as the prompt is there is not shown.
  stdin.setRawMode(true).setEncoding('utf8').resume();
  try {
    stderr.write(prompt);
    let line = '';
    for await (const keys of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      for (const key of keys) {
        if (ENTER.test(key)) return line.trim();
        if (GIVE_UP.test(key))
          throw new CoaxError('COAX_USAGE', 'no token was given', { hint: 'Nothing has changed.' });
        if (BACK.test(key)) line = line.slice(0, -1);
        else if (key === DROP) line = '';
        else if (key >= ' ') line += key;
      }
    }
    return line.trim();
  } finally {
    stdin.setRawMode(false).pause();
    stderr.write('\n');
  }
}
