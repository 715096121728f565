import { CoaxError, isCoaxError } from '../errors/coax-error.ts';
import type { Store } from '../store/store.ts';
import type { ArchivedReader } from './archived-reader.ts';

type Reads = Pick<
  Store,
  'message' | 'messages' | 'commits' | 'commitsByPrefix' | 'parametersAt' | 'children' | 'transact'
>;

/**
 * The store, with archived messages to be read as if they were still in it; lists show them when they are asked for. A
 * decision about one is refused with COAX_MESSAGE_STATE.
 */
export function withArchives(store: Store, archived: ArchivedReader): Store {
  const reads: Reads = {
    message: async msgid => (await store.message(msgid)) ?? archived.message(msgid),
    messages: query => (query.archived === true ? archived.messages(query) : store.messages(query)),
    async commits(msgid, range) {
      const found = await store.commits(msgid, range);
      // A message has at least one commit, so one without any that is in the store is asked for a range beyond its end.
      return found.length > 0 || (await store.message(msgid)) !== null
        ? found
        : archived.commits(msgid, range);
    },
    async commitsByPrefix(prefix, limit) {
      const found = await store.commitsByPrefix(prefix, limit);
      if (found.length >= limit) return found;
      const known = new Set(found.map(({ id }) => id));
      const more = await archived.commitsByPrefix(prefix, limit);
      return [...found, ...more.filter(({ id }) => !known.has(id))].slice(0, limit);
    },
    parametersAt: async (msgid, seq) =>
      (await store.parametersAt(msgid, seq)) ?? archived.parametersAt(msgid, seq),
    async children(msgid) {
      const found = await store.children(msgid);
      return found.length > 0 ? found : archived.children(msgid);
    },
    async transact(work) {
      try {
        return await store.transact(work);
      } catch (error) {
        if (isCoaxError(error, 'COAX_MESSAGE_NOT_FOUND')) await refuseArchived(error, archived);
        throw error;
      }
    },
  };
  // Whatever else there is belongs to the store itself, which has private members.
  const own = new Map<unknown, unknown>(Object.entries(reads));
  return new Proxy(store, {
    get(target, name) {
      const known = own.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const bound: unknown = value.bind(target);
      own.set(name, bound);
      return bound;
    },
  });
}

async function refuseArchived(error: CoaxError, archived: ArchivedReader): Promise<void> {
  const msgid = Number(error.where);
  if (!Number.isSafeInteger(msgid) || (await archived.message(msgid)) === null) return;
  throw new CoaxError(
    'COAX_MESSAGE_STATE',
    `message ${msgid} is archived: it is read, and no longer changed`,
    {
      where: String(msgid),
      hint: '`coax fork COMMIT` starts a new message from any of its commits.',
    },
  );
}
