/** Archives everything of a database, and is killed at one turn of it: archive-child.ts FILE FOLDER TURN. */

import { ARCHIVES } from '../../src/archive/archive-file.ts';
import { archiveMessages } from '../../src/archive/archive-messages.ts';
import { FolderStore } from '../../src/object-store/folder-store.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';

const [file = '', folder = '', turn = ''] = process.argv.slice(2);
const store = openSqlite({ file });
await archiveMessages(store, new FolderStore(folder, ARCHIVES), {
  before: Number.MAX_SAFE_INTEGER,
  onTurn: now => {
    if (now === turn) process.kill(process.pid, 'SIGKILL');
  },
});
