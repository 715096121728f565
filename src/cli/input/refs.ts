import type { CommitShow } from '../../api/commit.ts';
import type { Client } from '../../client/client.ts';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';

const PAGE = 1000;

/**
 * The message that a word names: its msgid, `@` for the newest one, or the first digits of one of its commits.
 * COAX_USAGE, COAX_MESSAGE_NOT_FOUND.
 */
export async function resolveMsgid(client: Client, word: string): Promise<number> {
  if (word === '@') return newest(client);
  const msgid = asMsgid(word);
  if (msgid !== null) return msgid;
  if (/^[0-9a-f]{4,64}$/i.test(word)) return (await client.commit(word)).message.msgid;
  throw wrong(word, 'MSGID');
}

/**
 * The commit that a word names: first digits of its id, `MSGID` (its newest commit), `MSGID~N` (the Nth before that), `@~N`, or
 * `ID~N`. A word of digits only is a msgid if there is such a message.
 */
export async function resolveCommit(client: Client, word: string): Promise<CommitShow> {
  const found = /^(@|[0-9a-fA-F]+)(?:~(\d*))?$/.exec(word);
  if (!found) throw wrong(word, 'COMMIT, MSGID or MSGID~N');
  const [, base = '', back] = found;
  const steps = back === undefined ? 0 : back === '' ? 1 : Number(back);
  const msgid = base === '@' ? await newest(client) : asMsgid(base);
  if (msgid !== null) {
    try {
      return await nthNewest(client, msgid, steps, word);
    } catch (error) {
      if (!isCoaxError(error, 'COAX_MESSAGE_NOT_FOUND') || base.length < 4) throw error;
    }
  }
  const show = await client.commit(base);
  if (steps === 0) return show;
  const message = await client.message(show.commit.msgid);
  return nthNewest(client, show.commit.msgid, message.seq - show.commit.seq + steps, word);
}

/** A word for the API's diff, which takes msgids and ids only. */
export async function resolveSide(client: Client, word: string): Promise<string> {
  if (word === '@') return String(await newest(client));
  return word.includes('~') ? (await resolveCommit(client, word)).commit.id : word;
}

async function nthNewest(client: Client, msgid: number, steps: number, word: string): Promise<CommitShow> {
  let left = steps;
  let cursor: string | undefined;
  while (true) {
    const page = await client.commits(msgid, {
      order: 'newest',
      limit: Math.min(left + 1, PAGE),
      ...(cursor && { cursor }),
    });
    const commit = page.items[left];
    if (commit) return client.commit(commit.id);
    left -= page.items.length;
    cursor = page.next;
    if (!cursor)
      throw new CoaxError('COAX_COMMIT_NOT_FOUND', `message ${msgid} has ${steps - left} commits`, {
        where: word,
      });
  }
}

async function newest(client: Client): Promise<number> {
  const message = (await client.messages({ limit: 1 })).items[0];
  if (message) return message.msgid;
  throw new CoaxError('COAX_MESSAGE_NOT_FOUND', 'there is no message yet', {
    hint: '`coax run FLOW name=value …` submits one.',
  });
}

function asMsgid(word: string): number | null {
  return /^[1-9]\d{0,14}$/.test(word) ? Number(word) : null;
}

function wrong(word: string, wanted: string): CoaxError {
  return new CoaxError('COAX_USAGE', `${word} is not a ${wanted}`, {
    where: word,
    hint: '`coax ls` lists messages; @ is the newest one.',
  });
}

/**
 * The first 10 digits of a commit id; more where those would look like a msgid.
 */
export function shortId(id: string): string {
  const letter = id.search(/[a-f]/);
  return id.slice(0, Math.max(10, letter + 1));
}
