/** Archives everything of a database, and is killed at one turn of it: archive-child.ts FILE FOLDER TURN. */
import { archiveMessages } from '../../src/archive/archive-messages.ts';
import { FolderStore } from '../../src/archive/folder-store.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';

const [file = '', folder = '', turn = ''] = process.argv.slice(2);
const store = openSqlite({ file });
await archiveMessages(store, new FolderStore(folder), {
  before: Number.MAX_SAFE_INTEGER,
  onTurn: now => {
    if (now === turn) process.kill(process.pid, 'SIGKILL');
  },
});
